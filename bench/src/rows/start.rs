//! `start`: the time from the start of the process until it is ready, on a database with a million
//! events.

use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::error::{BenchError, check};
use crate::load::HttpConnection;
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;
use crate::shop::{Projections, Shop};

const EVENTS: i64 = 1_000_000;
const EVENTS_QUICK: i64 = 20_000;
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Guests' carts with one product, whose quantity changes again and again.
const FILL: &str = r#"insert into events (
        position, stream_type, stream_id, version, event_type, schema_version, payload,
        command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at
    )
    select n, 'cart', cart, version, event_type, 1,
           format('{"%s":{%s,"at":"%s"}}', event_type, facts, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::json,
           command, decode(repeat('07', 32), 'hex'), '{"command":"cartLinesAdd","trace_id":null}'::json,
           command, null, 'guest:' || cart, at
    from generate_series(1, $1) as n
    cross join lateral (
        select md5('cart ' || (n - 1) / 20)::uuid as cart, (n - 1) % 20 + 1 as version,
               md5('command ' || n)::uuid as command,
               now() - ($1 - n) * interval '1 microsecond' as at
    ) as facts_of_all
    cross join lateral (
        select case version
                   when 1 then 'cart.created'
                   when 2 then 'cart.line_added'
                   else 'cart.line_quantity_changed'
               end as event_type,
               case version
                   when 1 then '"owner":"guest"'
                   when 2 then '"sku":"MUG","quantity":1,"unit_price":{"amount":1999,"currency":"USD"}'
                   else format('"sku":"MUG","quantity":%s', version - 1)
               end as facts
    ) as facts_of_each"#;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let events = if shared.pace.quick { EVENTS_QUICK } else { EVENTS };
    shared.message(format!("writing {events} events"));
    let mut shop = Shop::bare(shared, "start", Projections::Running).await?;
    shop.stop_nodes().await?;
    fill(&shop.log.pool, events).await?;
    shared.message(format!("projecting {events} events"));
    shop.add_node(shared, "start").await?;
    let caught_up = shop.catch_up().await?.as_secs_f64();
    let times = shared
        .repeat("start", async |_| {
            shop.stop_nodes().await?;
            let began = Instant::now();
            shop.add_node(shared, "start").await?;
            ready(&shop, began).await?;
            Ok(began.elapsed().as_secs_f64() * 1e3)
        })
        .await?;
    shared.message("checking that live rows equal rebuilt rows");
    shop.stop().await?;
    let conditions = format!(
        "from exec to /health/ready, {events} events; the projections took {caught_up:.1} s for them"
    );
    Ok(ReportLine::of_figures(("start", conditions), "ms", &times, None).into_iter().collect())
}

async fn fill(pool: &PgPool, events: i64) -> Result<(), BenchError> {
    sqlx::query(FILL).bind(events).execute(pool).await?;
    sqlx::query("analyze events").execute(pool).await?;
    Ok(())
}

async fn ready(shop: &Shop, began: Instant) -> Result<(), BenchError> {
    let query = b"GET /health/ready HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    let mut connection: HttpConnection = shop.connect().await?;
    // The call fails unless the status is 200.
    while connection.call(query).await.is_err() {
        check(began.elapsed() < READY_WITHIN, || "the server is not ready".to_owned())?;
        connection = shop.connect().await?;
    }
    Ok(())
}
