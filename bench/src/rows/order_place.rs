//! `order_place`: orders of three lines, each one append to five streams, by 64 clients, beside
//! `limit_http`.  Only the placing is timed.

use crate::error::BenchError;
use crate::market::three_skus;
use crate::report::Line;
use crate::stage::Stage;

const CLIENTS: usize = 64;

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let (limit, market) = (stage.limit().await?, stage.market().await?);
    let pairs = stage
        .interleave(
            "order_place",
            async |time| limit.run(CLIENTS, time).await,
            async |time| market.run(CLIENTS, time, three_skus).await,
        )
        .await?;
    market.adds_up().await?;
    let limit = (format!("limit_http_{CLIENTS}"), format!("{CLIENTS} connections"));
    let row = ("order_place".to_owned(), format!("{CLIENTS} clients, three lines, five streams"));
    Ok(Line::of_pairs(limit, row, "orders/s", &pairs))
}
