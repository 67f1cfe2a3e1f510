//! `query` and `query_page`: an order by its id, and the latest twenty with their lines, by 64 clients,
//! beside a bare resolver on the same table; then both, at a quarter of their peak, while carts are
//! filled at a quarter of theirs: `query_under_load`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::error::{BenchError, check};
use crate::load::{Connection, Load, Question, Turns, ask, order_by_id, order_page};
use crate::market::{Market, three_skus};
use crate::report::Line;
use crate::sample::Spread;
use crate::servers::Server;
use crate::stage::Stage;

const CLIENTS: usize = 64;
/// Orders that are asked for by their ids; fewer where there are fewer.
const ORDERS: i64 = 500;
/// Of the peaks.
const SHARE: f64 = 0.25;

/// All of one kind.
type Questions = Arc<[Question]>;

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let market = stage.market().await?;
    // One round, so that there are orders whichever rows were asked for.
    market.run(CLIENTS, Duration::from_nanos(1), three_skus).await?;
    market.shop.catch_up().await?;
    let settings = [("DATABASE_URL", market.shop.database_url.as_str())];
    let directory = stage.directory("limit_query");
    let limit = Server::start("serve-limit", &settings, &directory).await?;
    let [by_id, pages] = questions(market, &limit).await?;

    let (lines_by_id, peak_by_id) =
        measure(stage, market, &limit, ("query", "an order by its id"), &by_id).await?;
    let (lines_of_pages, peak_of_pages) =
        measure(stage, market, &limit, ("query_page", "the latest 20 orders"), &pages).await?;
    limit.stop().await?;
    // Taking turns, both kinds take up the time of both.
    let peak = 2.0 / (1.0 / peak_by_id + 1.0 / peak_of_pages);
    let under_load = under_load(stage, market, [by_id, pages], peak).await?;
    Ok([lines_by_id, lines_of_pages, under_load].concat())
}

/// Questions for orders by their ids, each by who placed it, and for a page by the desk; answered by
/// both servers alike.
async fn questions(market: &Market, limit: &Server) -> Result<[Questions; 2], BenchError> {
    let shoppers = &market.shop.shoppers;
    let tokens: HashMap<_, _> =
        shoppers.buyers.iter().map(|buyer| (buyer.customer.0, &buyer.token)).collect();
    let orders: Vec<(Uuid, Uuid)> =
        sqlx::query_as("select id, customer_id from orders order by placed_at desc limit $1")
            .bind(ORDERS)
            .fetch_all(&market.shop.log.pool)
            .await?;
    let mut shop = market.shop.connect().await?;
    let mut limit = Connection::open(limit.address).await?;
    let mut by_id = vec![];
    for (order, customer) in orders {
        let request = order_by_id(tokens[&customer], order);
        by_id.push(Question::put(request, &mut shop, &mut limit).await?);
    }
    check(!by_id.is_empty(), || "there are no orders".to_owned())?;
    let page = Question::put(order_page(&shoppers.support), &mut shop, &mut limit).await?;
    Ok([by_id.into(), [page].into()])
}

/// The lines of a kind of question, and its peak.
async fn measure(
    stage: &Stage,
    market: &Market,
    limit: &Server,
    (name, what): (&str, &str),
    questions: &Questions,
) -> Result<(Vec<Line>, f64), BenchError> {
    let ask = async |nodes: Vec<SocketAddr>, time| {
        let (turns, kinds) = (Turns::Closed(time), [questions.clone()]);
        let load = Load { nodes, connections: CLIENTS, turns };
        let answered = load.run(async move |client| ask(client, &kinds).await).await?;
        Ok(answered.sample())
    };
    let nodes: Vec<SocketAddr> = market.shop.nodes.iter().map(|node| node.address).collect();
    let pairs = stage
        .interleave(
            name,
            async |time| ask(vec![limit.address], time).await,
            async |time| ask(nodes.clone(), time).await,
        )
        .await?;
    let peak = Spread::of(pairs.iter().map(|pair| pair.row.per_second));
    let limit = (format!("limit_{name}"), format!("{CLIENTS} clients, the same SQL"));
    let row = (name.to_owned(), format!("{CLIENTS} clients, {what}, with lines"));
    let lines = Line::of_pairs(limit, row, "queries/s", &pairs);
    Ok((lines, peak.map_or(0.0, |peak| peak.median)))
}

/// Queries of both kinds, while carts are filled.
async fn under_load(
    stage: &Stage,
    market: &Market,
    kinds: [Questions; 2],
    peak: f64,
) -> Result<Vec<Line>, BenchError> {
    let shop = &market.shop;
    let commands_peak = shop.run(CLIENTS, stage.pace.time).await?.per_second;
    let [queries, commands] = [peak, commands_peak].map(|peak| peak * SHARE);
    let samples = stage
        .repeat("query_under_load", async |time| {
            let kinds = kinds.clone();
            let asked = shop
                .load(CLIENTS, Turns::Open { per_second: queries, time })
                .run(async move |client| ask(client, &kinds).await);
            let filled = shop.fill_carts(CLIENTS, Turns::Open { per_second: commands, time });
            let (asked, filled) = tokio::try_join!(asked, filled)?;
            shop.carts_hold(&filled.acks).await?;
            Ok(asked.sample())
        })
        .await?;
    let conditions = format!(
        "open loop: {queries:.0}/s of both kinds beside {commands:.0} commands/s, a quarter of the peaks"
    );
    let row = ("query_under_load".to_owned(), conditions);
    Ok(Line::of(row, "queries/s", samples.iter()).into_iter().collect())
}
