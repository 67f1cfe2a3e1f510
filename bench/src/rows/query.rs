//! `query` and `query_page`: 64 clients query an order by its id, and the latest twenty orders with
//! their lines; compared with a bare resolver on the same table. `query_under_load`: both queries
//! at a quarter of their peak rates, while carts are filled at a quarter of theirs.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::error::{BenchError, check};
use crate::load::{HttpConnection, KnownQuery, Load, Pacing, ask, order_by_id, order_page};
use crate::order_shop::{OrderShop, three_skus};
use crate::report::ReportLine;
use crate::sample::Spread;
use crate::servers::ServerProcess;
use crate::shared_servers::SharedServers;

const CLIENTS: usize = 64;
/// The largest number of orders that are queried by id.
const ORDERS: i64 = 500;
/// The share of the peak rates.
const SHARE: f64 = 0.25;

/// Queries of one kind.
type KnownQueries = Arc<[KnownQuery]>;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let order_shop = shared.order_shop().await?;
    // One round of orders, in case no row before this one has placed any.
    order_shop.run(CLIENTS, Duration::from_nanos(1), three_skus).await?;
    order_shop.shop.catch_up().await?;
    let settings = [("DATABASE_URL", order_shop.shop.database_url.as_str())];
    let directory = shared.directory("limit_query");
    let limit = ServerProcess::start("serve-limit", &settings, &directory).await?;
    let [by_id, pages] = queries(order_shop, &limit).await?;

    let (lines_by_id, peak_by_id) =
        measure(shared, order_shop, &limit, ("query", "an order by its id"), &by_id).await?;
    let (lines_of_pages, peak_of_pages) =
        measure(shared, order_shop, &limit, ("query_page", "the latest 20 orders"), &pages).await?;
    limit.stop().await?;
    // The clients alternate between both kinds, so their times add up.
    let peak = 2.0 / (1.0 / peak_by_id + 1.0 / peak_of_pages);
    let under_load = under_load(shared, order_shop, [by_id, pages], peak).await?;
    Ok([lines_by_id, lines_of_pages, under_load].concat())
}

/// Builds the queries for orders by id, each as the buyer, and for a page as support; checks that
/// both servers answer them alike.
async fn queries(
    order_shop: &OrderShop,
    limit: &ServerProcess,
) -> Result<[KnownQueries; 2], BenchError> {
    let shoppers = &order_shop.shop.shoppers;
    let tokens: HashMap<_, _> =
        shoppers.buyers.iter().map(|buyer| (buyer.customer.0, &buyer.token)).collect();
    let orders: Vec<(Uuid, Uuid)> =
        sqlx::query_as("select id, customer_id from orders order by placed_at desc limit $1")
            .bind(ORDERS)
            .fetch_all(&order_shop.shop.log.pool)
            .await?;
    let mut shop = order_shop.shop.connect().await?;
    let mut limit = HttpConnection::open(limit.address).await?;
    let mut by_id = vec![];
    for (order, customer) in orders {
        let request = order_by_id(tokens[&customer], order);
        by_id.push(KnownQuery::prepare(request, &mut shop, &mut limit).await?);
    }
    check(!by_id.is_empty(), || "there are no orders".to_owned())?;
    let page = KnownQuery::prepare(order_page(&shoppers.support), &mut shop, &mut limit).await?;
    Ok([by_id.into(), [page].into()])
}

/// Measures one kind of query: its lines, and its peak rate.
async fn measure(
    shared: &SharedServers,
    order_shop: &OrderShop,
    limit: &ServerProcess,
    (name, what): (&str, &str),
    queries: &KnownQueries,
) -> Result<(Vec<ReportLine>, f64), BenchError> {
    let ask = async |nodes: Vec<SocketAddr>, time| {
        let (pacing, kinds) = (Pacing::Closed(time), [queries.clone()]);
        let load = Load { nodes, connections: CLIENTS, pacing };
        let answered = load.run(async move |client| ask(client, &kinds).await).await?;
        Ok(answered.sample())
    };
    let nodes: Vec<SocketAddr> = order_shop.shop.nodes.iter().map(|node| node.address).collect();
    let pairs = shared
        .interleave(
            name,
            async |time| ask(vec![limit.address], time).await,
            async |time| ask(nodes.clone(), time).await,
        )
        .await?;
    let peak = Spread::of(pairs.iter().map(|pair| pair.row.per_second));
    let limit = (format!("limit_{name}"), format!("{CLIENTS} clients, the same SQL"));
    let row = (name.to_owned(), format!("{CLIENTS} clients, {what}, with lines"));
    let lines = ReportLine::of_pairs(limit, row, "queries/s", &pairs);
    Ok((lines, peak.map_or(0.0, |peak| peak.median)))
}

/// Sends queries of both kinds while carts are filled.
async fn under_load(
    shared: &SharedServers,
    order_shop: &OrderShop,
    kinds: [KnownQueries; 2],
    peak: f64,
) -> Result<Vec<ReportLine>, BenchError> {
    let shop = &order_shop.shop;
    let commands_peak = shop.run(CLIENTS, shared.pace.time).await?.per_second;
    let [queries, commands] = [peak, commands_peak].map(|peak| peak * SHARE);
    let samples = shared
        .repeat("query_under_load", async |time| {
            let kinds = kinds.clone();
            let asked = shop
                .load(CLIENTS, Pacing::Open { per_second: queries, time })
                .run(async move |client| ask(client, &kinds).await);
            let filled = shop.fill_carts(CLIENTS, Pacing::Open { per_second: commands, time });
            let (asked, filled) = tokio::try_join!(asked, filled)?;
            shop.check_cart_acks(&filled.acks).await?;
            Ok(asked.sample())
        })
        .await?;
    let conditions = format!(
        "open loop: {queries:.0}/s of both kinds beside {commands:.0} commands/s, a quarter of the peaks"
    );
    let row = ("query_under_load".to_owned(), conditions);
    Ok(ReportLine::of(row, "queries/s", samples.iter()).into_iter().collect())
}
