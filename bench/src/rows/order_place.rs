//! `order_place`: 64 clients place orders of three lines, each one append to five streams; compared
//! with `limit_http`. Only `orderPlace` is timed.

use crate::error::BenchError;
use crate::order_shop::three_skus;
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;

const CLIENTS: usize = 64;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let (limit, order_shop) = (shared.limit().await?, shared.order_shop().await?);
    let pairs = shared
        .interleave(
            "order_place",
            async |time| limit.run(CLIENTS, time).await,
            async |time| order_shop.run(CLIENTS, time, three_skus).await,
        )
        .await?;
    order_shop.check_orders().await?;
    let limit = (format!("limit_http_{CLIENTS}"), format!("{CLIENTS} connections"));
    let row = ("order_place".to_owned(), format!("{CLIENTS} clients, three lines, five streams"));
    Ok(ReportLine::of_pairs(limit, row, "orders/s", &pairs))
}
