//! `hot_sku`: 256 clients order one SKU, beside the same load spread over 1,000 SKUs; and
//! `hot_sku_two_nodes`: the same on two nodes, beside the spread load on one.  Only the placing is timed.

use std::iter;

use crate::error::BenchError;
use crate::market::{HOT, Market, SKUS, sku};
use crate::report::Line;
use crate::stage::Stage;

const CLIENTS: usize = 256;

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let market = stage.market().await?;
    let row = ("hot_sku".to_owned(), format!("{CLIENTS} clients, orders of one line"));
    measure(stage, market, market, row).await
}

pub async fn run_on_two_nodes(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let spread = stage.market().await?;
    stage.message("opening a market of two nodes");
    let hot = Market::open(stage, "two_nodes", 2, iter::once(HOT.to_owned())).await?;
    let row = (
        "hot_sku_two_nodes".to_owned(),
        format!("{CLIENTS} clients of two nodes, orders of one line"),
    );
    let lines = measure(stage, spread, &hot, row).await?;
    hot.shop.stop().await?;
    Ok(lines)
}

async fn measure(
    stage: &Stage,
    spread: &Market,
    hot: &Market,
    (name, conditions): (String, String),
) -> Result<Vec<Line>, BenchError> {
    let pairs = stage
        .interleave(
            &name,
            async |time| spread.run(CLIENTS, time, |buyer| vec![sku(buyer)]).await,
            async |time| hot.run(CLIENTS, time, |_| vec![HOT.to_owned()]).await,
        )
        .await?;
    hot.sell_out(CLIENTS).await?;
    spread.adds_up().await?;
    hot.adds_up().await?;
    let limit_conditions = format!("one node, spread over {SKUS} SKUs");
    let conditions = format!("{conditions}; sold out, exactly as many as there were");
    let limit = (format!("limit_{name}"), limit_conditions);
    Ok(Line::of_pairs(limit, (name, conditions), "orders/s", &pairs))
}
