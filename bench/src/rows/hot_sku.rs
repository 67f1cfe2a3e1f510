//! `hot_sku`: 256 clients order one SKU; compared with the same load spread over 1,000 SKUs.
//! `hot_sku_two_nodes`: the same on two nodes; compared with the spread load on one. Only
//! `orderPlace` is timed.

use std::iter;

use crate::error::BenchError;
use crate::order_shop::{HOT, OrderShop, SKUS, sku};
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;

const CLIENTS: usize = 256;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let order_shop = shared.order_shop().await?;
    let row = ("hot_sku".to_owned(), format!("{CLIENTS} clients, orders of one line"));
    measure(shared, order_shop, order_shop, row).await
}

pub async fn run_on_two_nodes(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let spread = shared.order_shop().await?;
    shared.message("starting a shop of two nodes");
    let hot = OrderShop::open(shared, "two_nodes", 2, iter::once(HOT.to_owned())).await?;
    let row = (
        "hot_sku_two_nodes".to_owned(),
        format!("{CLIENTS} clients of two nodes, orders of one line"),
    );
    let lines = measure(shared, spread, &hot, row).await?;
    hot.shop.stop().await?;
    Ok(lines)
}

async fn measure(
    shared: &SharedServers,
    spread: &OrderShop,
    hot: &OrderShop,
    (name, conditions): (String, String),
) -> Result<Vec<ReportLine>, BenchError> {
    let pairs = shared
        .interleave(
            &name,
            async |time| spread.run(CLIENTS, time, |buyer| vec![sku(buyer)]).await,
            async |time| hot.run(CLIENTS, time, |_| vec![HOT.to_owned()]).await,
        )
        .await?;
    hot.sell_out(CLIENTS).await?;
    spread.check_orders().await?;
    hot.check_orders().await?;
    let limit_conditions = format!("one node, spread over {SKUS} SKUs");
    let conditions = format!("{conditions}; sold out, exactly as many as there were");
    let limit = (format!("limit_{name}"), limit_conditions);
    Ok(ReportLine::of_pairs(limit, (name, conditions), "orders/s", &pairs))
}
