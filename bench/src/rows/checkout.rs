//! `checkout`: from an empty cart to a paid order, beside `limit_http`.

use crate::error::BenchError;
use crate::report::Line;
use crate::stage::Stage;

/// Enough that the time they wait between two looks leaves nothing idle.
const BUYERS: usize = 128;
const LIMIT_CLIENTS: usize = 64;

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let (limit, market) = (stage.limit().await?, stage.market().await?);
    let pairs = stage
        .interleave(
            "checkout",
            async |time| limit.run(LIMIT_CLIENTS, time).await,
            async |time| market.check_out(BUYERS, time).await,
        )
        .await?;
    market.adds_up().await?;
    let limit = (format!("limit_http_{LIMIT_CLIENTS}"), format!("{LIMIT_CLIENTS} connections"));
    let conditions = format!(
        "{BUYERS} clients: three lines into the cart, orderPlace, paymentStart, webhooks, captured; \
         each looks after 50, 100, 200, 400, 400… ms whether its order is paid"
    );
    let row = ("checkout".to_owned(), conditions);
    Ok(Line::of_pairs(limit, row, "checkouts/s", &pairs))
}
