//! The rows, one a file. A new row needs a file, a name in [`Row`] and an arm in [`Row::run`].

mod append;
mod checkout;
mod cold_load;
mod command;
mod command_paused;
mod cost;
mod footprint;
mod growth;
mod hot_sku;
mod lag;
mod limit_append;
mod order_place;
mod query;
pub mod rebuild;
mod start;
mod store_command;

use clap::ValueEnum;

use crate::error::BenchError;
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;

/// The rows that can be measured; each also measures its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Row {
    #[value(name = "append")]
    Append,
    #[value(name = "command_1")]
    Command1,
    #[value(name = "command_64")]
    Command64,
    #[value(name = "command_256")]
    Command256,
    #[value(name = "command_64_paused")]
    Command64Paused,
    #[value(name = "hot_sku")]
    HotSku,
    #[value(name = "hot_sku_two_nodes")]
    HotSkuTwoNodes,
    #[value(name = "order_place")]
    OrderPlace,
    #[value(name = "checkout")]
    Checkout,
    #[value(name = "query")]
    Query,
    #[value(name = "lag")]
    Lag,
    #[value(name = "lag_drain")]
    LagDrain,
    #[value(name = "footprint")]
    Footprint,
    #[value(name = "cost")]
    Cost,
    #[value(name = "start")]
    Start,
    #[value(name = "store_command")]
    StoreCommand,
    #[value(name = "rebuild")]
    Rebuild,
    #[value(name = "rebuild_audit")]
    RebuildAudit,
    #[value(name = "cold_load")]
    ColdLoad,
    #[value(name = "growth")]
    Growth,
}

impl Row {
    pub async fn run(self, shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
        match self {
            Row::Append => append::run(shared).await,
            Row::Command1 => command::run(shared, 1).await,
            Row::Command64 => command::run(shared, 64).await,
            Row::Command256 => command::run(shared, 256).await,
            Row::Command64Paused => command_paused::run(shared, 64).await,
            Row::HotSku => hot_sku::run(shared).await,
            Row::HotSkuTwoNodes => hot_sku::run_on_two_nodes(shared).await,
            Row::OrderPlace => order_place::run(shared).await,
            Row::Checkout => checkout::run(shared).await,
            Row::Query => query::run(shared).await,
            Row::Lag => lag::run(shared).await,
            Row::LagDrain => lag::run_drain(shared).await,
            Row::Footprint => footprint::run(shared).await,
            Row::Cost => cost::run(shared).await,
            Row::Start => start::run(shared).await,
            Row::StoreCommand => store_command::run(shared).await,
            Row::Rebuild => rebuild::run(shared).await,
            Row::RebuildAudit => rebuild::run_audit(shared).await,
            Row::ColdLoad => cold_load::run(shared).await,
            Row::Growth => growth::run(shared).await,
        }
    }
}
