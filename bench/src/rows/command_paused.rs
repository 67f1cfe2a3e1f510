//! `command_N_paused`: as `command_N`, while no projection runs; then how fast they catch up.

use super::command::clients;
use crate::error::BenchError;
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;
use crate::shop::{Projections, Shop};

pub async fn run(
    shared: &SharedServers,
    connections: usize,
) -> Result<Vec<ReportLine>, BenchError> {
    let name = format!("command_{connections}_paused");
    let limit = shared.limit().await?;
    shared.message("starting a shop without projections");
    let mut shop = Shop::start(shared, "paused", Projections::Paused).await?;
    let pairs = shared
        .interleave(
            &name,
            async |time| limit.run(connections, time).await,
            async |time| shop.run(connections, time).await,
        )
        .await?;
    shared.message("the projections catch up");
    let events = shop.resume().await?;
    let seconds = shop.catch_up().await?.as_secs_f64();
    shop.check_cart_quantities().await?;
    shop.stop().await?;
    let conditions = format!(
        "projections paused; then {events} events caught up in {seconds:.1} s, with the wait for \
         the leases"
    );
    let limit = (format!("limit_http_{connections}"), clients(connections));
    let row = (name, format!("{}, {conditions}", clients(connections)));
    Ok(ReportLine::of_pairs(limit, row, "commands/s", &pairs))
}
