//! `command_N`: `cartLinesAdd` over HTTP by N clients while all projections run; compared with
//! `limit_http`.

use std::time::Duration;

use crate::error::BenchError;
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;

pub async fn run(
    shared: &SharedServers,
    connections: usize,
) -> Result<Vec<ReportLine>, BenchError> {
    let name = format!("command_{connections}");
    let (limit, shop) = (shared.limit().await?, shared.shop().await?);
    let mut longest = Duration::ZERO;
    let pairs = shared
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
    shop.check_cart_quantities().await?;
    let conditions = format!(
        "all projections; complete {:.0} ms after the last answer was checked",
        longest.as_secs_f64() * 1e3
    );
    let limit = (format!("limit_http_{connections}"), clients(connections));
    let row = (name, format!("{}, {conditions}", clients(connections)));
    Ok(ReportLine::of_pairs(limit, row, "commands/s", &pairs))
}

pub fn clients(connections: usize) -> String {
    match connections {
        1 => "1 connection".to_owned(),
        many => format!("{many} connections"),
    }
}
