//! `command_N`: `cartLinesAdd` over HTTP by N clients, all projections running, beside `limit_http`.

use std::time::Duration;

use crate::error::BenchError;
use crate::report::Line;
use crate::stage::Stage;

pub async fn run(stage: &Stage, connections: usize) -> Result<Vec<Line>, BenchError> {
    let name = format!("command_{connections}");
    let (limit, shop) = (stage.limit().await?, stage.shop().await?);
    let mut longest = Duration::ZERO;
    let pairs = stage
        .interleave(
            &name,
            async |time| limit.run(connections, time).await,
            async |time| {
                let sample = shop.run(connections, time).await?;
                longest = longest.max(shop.catch_up().await?);
                Ok(sample)
            },
        )
        .await?;
    shop.carts_add_up().await?;
    let conditions = format!(
        "all projections; complete {:.0} ms after the last answer was checked",
        longest.as_secs_f64() * 1e3
    );
    let limit = (format!("limit_http_{connections}"), clients(connections));
    let row = (name, format!("{}, {conditions}", clients(connections)));
    Ok(Line::of_pairs(limit, row, "commands/s", &pairs))
}

pub fn clients(connections: usize) -> String {
    match connections {
        1 => "1 connection".to_owned(),
        many => format!("{many} connections"),
    }
}
