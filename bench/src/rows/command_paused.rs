//! `command_N_paused`: as `command_N`, while no projection runs; then how fast they catch up.

use super::command::clients;
use crate::error::BenchError;
use crate::report::Line;
use crate::shop::{Projections, Shop};
use crate::stage::Stage;

pub async fn run(stage: &Stage, connections: usize) -> Result<Vec<Line>, BenchError> {
    let name = format!("command_{connections}_paused");
    let limit = stage.limit().await?;
    stage.message("starting a shop without projections");
    let mut shop = Shop::start(stage, "paused", Projections::Paused).await?;
    let pairs = stage
        .interleave(
            &name,
            async |time| limit.run(connections, time).await,
            async |time| shop.run(connections, time).await,
        )
        .await?;
    stage.message("the projections catch up");
    let events = shop.resume().await?;
    let seconds = shop.catch_up().await?.as_secs_f64();
    shop.carts_add_up().await?;
    shop.stop().await?;
    let conditions = format!(
        "projections paused; then {events} events caught up in {seconds:.1} s, with the wait for \
         the leases"
    );
    let limit = (format!("limit_http_{connections}"), clients(connections));
    let row = (name, format!("{}, {conditions}", clients(connections)));
    Ok(Line::of_pairs(limit, row, "commands/s", &pairs))
}
