//! The rows, one a file.  A new one is a file, a name in [`Row`] and an arm in [`Row::run`].

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
use crate::report::Line;
use crate::stage::Stage;

/// What can be measured; each brings the lines of its limit along.
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
    pub async fn run(self, stage: &Stage) -> Result<Vec<Line>, BenchError> {
        match self {
            Row::Append => append::run(stage).await,
            Row::Command1 => command::run(stage, 1).await,
            Row::Command64 => command::run(stage, 64).await,
            Row::Command256 => command::run(stage, 256).await,
            Row::Command64Paused => command_paused::run(stage, 64).await,
            Row::HotSku => hot_sku::run(stage).await,
            Row::HotSkuTwoNodes => hot_sku::run_on_two_nodes(stage).await,
            Row::OrderPlace => order_place::run(stage).await,
            Row::Checkout => checkout::run(stage).await,
            Row::Query => query::run(stage).await,
            Row::Lag => lag::run(stage).await,
            Row::LagDrain => lag::run_drain(stage).await,
            Row::Footprint => footprint::run(stage).await,
            Row::Cost => cost::run(stage).await,
            Row::Start => start::run(stage).await,
            Row::StoreCommand => store_command::run(stage).await,
            Row::Rebuild => rebuild::run(stage).await,
            Row::RebuildAudit => rebuild::run_audit(stage).await,
            Row::ColdLoad => cold_load::run(stage).await,
            Row::Growth => growth::run(stage).await,
        }
    }
}
