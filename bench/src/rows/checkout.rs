//! `checkout`: from an empty cart to a paid order; compared with `limit_http`.

use crate::error::BenchError;
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;

/// So many that the server is busy while buyers wait between two queries.
const BUYERS: usize = 128;
const LIMIT_CLIENTS: usize = 64;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let (limit, order_shop) = (shared.limit().await?, shared.order_shop().await?);
    let pairs = shared
        .interleave(
            "checkout",
            async |time| limit.run(LIMIT_CLIENTS, time).await,
            async |time| order_shop.check_out(BUYERS, time).await,
        )
        .await?;
    order_shop.check_orders().await?;
    let limit = (format!("limit_http_{LIMIT_CLIENTS}"), format!("{LIMIT_CLIENTS} connections"));
    let conditions = format!(
        "{BUYERS} clients: three lines into the cart, orderPlace, paymentStart, webhooks, captured; \
         each looks after 50, 100, 200, 400, 400… ms whether its order is paid"
    );
    let row = ("checkout".to_owned(), conditions);
    Ok(ReportLine::of_pairs(limit, row, "checkouts/s", &pairs))
}
