//! `checkout`: from an empty cart to a paid order, beside `limit_http`.

use crate::error::BenchError;
use crate::report::Line;
use crate::stage::Stage;

const CLIENTS: usize = 64;

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let (limit, market) = (stage.limit().await?, stage.market().await?);
    let pairs = stage
        .interleave(
            "checkout",
            async |time| limit.run(CLIENTS, time).await,
            async |time| market.check_out(CLIENTS, time).await,
        )
        .await?;
    market.adds_up().await?;
    let limit = (format!("limit_http_{CLIENTS}"), format!("{CLIENTS} connections"));
    let conditions = format!(
        "{CLIENTS} clients: three lines into the cart, orderPlace, paymentStart, webhooks, captured; \
         each looks every 100 ms whether its order is paid"
    );
    let row = ("checkout".to_owned(), conditions);
    Ok(Line::of_pairs(limit, row, "checkouts/s", &pairs))
}
