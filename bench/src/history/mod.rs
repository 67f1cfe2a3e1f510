//! Generated logs of shops, of any length; the domain decides every event.
//!
//! Read [`shop`] (the customers), then [`customer`] (one visit, from the first line to delivery).
//! The events are written by `COPY`, without the event store: a million of them in a minute.

mod customer;
mod log;
mod shop;
mod states;
mod stock;

use event_store::RecordedEvent;
use sqlx::PgPool;

use crate::error::BenchError;

pub use stock::stock;

/// Number of bytes that are sent at once.
const CHUNK: usize = 1 << 20;

const COPY: &str = "copy events (
        position, stream_type, stream_id, version, event_type, schema_version, payload,
        command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at
    ) from stdin";

/// Fills an empty log with at least `events` events of a shop; the last command is complete.
pub async fn write(pool: &PgPool, events: i64) -> Result<(), BenchError> {
    let mut shop = shop::GeneratedShop::open()?;
    copy(pool, events, || shop.advance()).await
}

/// Copies events as they are generated, until there are enough.
async fn copy(
    pool: &PgPool,
    events: i64,
    mut more: impl FnMut() -> Result<Vec<RecordedEvent>, BenchError>,
) -> Result<(), BenchError> {
    let mut connection = pool.acquire().await?;
    let mut copy = connection.copy_in_raw(COPY).await?;
    let mut text = String::new();
    let mut written = 0;
    while written < events {
        for event in &more()? {
            log::write(event, &mut text);
            written = event.position;
        }
        if text.len() > CHUNK || written >= events {
            copy.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copy.finish().await?;
    settle(pool).await
}

/// Does the maintenance that Postgres would otherwise do during a measurement.
pub async fn settle(pool: &PgPool) -> Result<(), BenchError> {
    sqlx::raw_sql("vacuum (analyze) events").execute(pool).await?;
    sqlx::raw_sql("checkpoint").execute(pool).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::shop::GeneratedShop;

    #[test]
    fn a_generated_shop_has_no_gap_and_all_kinds_of_events() {
        let mut shop = GeneratedShop::open().unwrap();
        let mut events = vec![];
        while events.len() < 60_000 {
            events.extend(shop.advance().unwrap());
        }
        let mut versions = BTreeMap::new();
        let mut types = BTreeSet::new();
        for (event, position) in events.iter().zip(1..) {
            let version = versions.entry(event.stream_id).or_insert(0);
            *version += 1;
            assert_eq!((event.position, event.version), (position, *version));
            types.insert(&*event.event_type);
        }
        for event_type in
            ["cart.checked_out", "order.expired", "order.delivered", "payment.captured"]
        {
            assert!(types.contains(event_type), "{event_type} is missing from {types:?}");
        }
        let times = events.windows(2).all(|pair| pair[0].recorded_at < pair[1].recorded_at);
        assert!(times, "an event is older than the one before it");
    }
}
