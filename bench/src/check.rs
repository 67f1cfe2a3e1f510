//! Checks of a log that was written under load.

use std::sync::atomic::{AtomicI64, Ordering};

use event_store::{EventStore, StoreOptions};
use projections::ReadModel;
use projections::rebuild::{RebuildMode, rebuild};
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::{BenchError, check};

/// Number of acknowledgements that one statement looks up.
const CHUNK: usize = 20_000;

/// The largest number of events of one client command: an order of three lines, and its cart.
const COMMAND_EVENTS_MAX: i64 = 5;

/// Checks a log, and remembers up to which position it is checked.
#[derive(Debug)]
pub struct CheckedLog {
    pub pool: PgPool,
    checked: AtomicI64,
}

impl CheckedLog {
    pub fn new(pool: PgPool) -> CheckedLog {
        CheckedLog::after(pool, 0)
    }

    /// Assumes that the events up to this position are correct.
    pub fn after(pool: PgPool, position: i64) -> CheckedLog {
        CheckedLog { pool, checked: AtomicI64::new(position) }
    }

    /// The position of the last event.
    pub async fn head(&self) -> Result<i64, BenchError> {
        let head = sqlx::query_scalar("select coalesce(max(position), 0) from events");
        Ok(head.fetch_one(&self.pool).await?)
    }

    /// Checks that positions are contiguous from 1, and that each acknowledged command is in the
    /// log: its last event at the acknowledged position, and its first event, which carries the
    /// command id, at most a few positions before.
    pub async fn check_acks(&self, acks: &[(Uuid, i64)]) -> Result<(), BenchError> {
        let from = self.checked.load(Ordering::Relaxed);
        let (count, last): (i64, i64) = sqlx::query_as(
            "select count(*), coalesce(max(position), $1) from events where position > $1",
        )
        .bind(from)
        .fetch_one(&self.pool)
        .await?;
        check(count == last - from, || {
            format!("{count} events from position {from} to {last}: positions are missing")
        })?;
        for chunk in acks.chunks(CHUNK) {
            let missing = self.missing(chunk).await?;
            check(missing == 0, || format!("{missing} acknowledged commands are not in the log"))?;
        }
        self.checked.store(last, Ordering::Relaxed);
        Ok(())
    }

    async fn missing(&self, acks: &[(Uuid, i64)]) -> Result<i64, BenchError> {
        let (commands, positions): (Vec<Uuid>, Vec<i64>) = acks.iter().copied().unzip();
        let missing = sqlx::query_scalar(
            "select count(*) from unnest($1::uuid[], $2::bigint[]) as ack (id, position)
             where not exists (
                 select from events e
                 where e.command_id = ack.id
                   and e.position between ack.position - $3 + 1 and ack.position
             )",
        );
        let missing = missing.bind(commands).bind(positions).bind(COMMAND_EVENTS_MAX);
        Ok(missing.fetch_one(&self.pool).await?)
    }

    /// Counts the events of a type.
    pub async fn count(&self, event_type: &str) -> Result<i64, BenchError> {
        let count = sqlx::query_scalar("select count(*) from events where event_type = $1");
        Ok(count.bind(event_type).fetch_one(&self.pool).await?)
    }

    /// Checks that nothing was oversold: after every event of every stock, on hand minus reserved
    /// is at least 0; and the read model says the same.
    pub async fn check_stock_was_never_negative(&self) -> Result<(), BenchError> {
        let oversold: i64 = sqlx::query_scalar(
            "select count(*) from (
                 select sum(case event_type
                     when 'inventory.adjusted' then (payload->event_type->>'quantity')::bigint
                     when 'inventory.reserved' then -(payload->event_type->>'quantity')::bigint
                     when 'inventory.released' then (payload->event_type->>'quantity')::bigint
                 end) over (partition by stream_id order by version) as available
                 from events where stream_type = 'inventory'
             ) as history where available < 0",
        )
        .fetch_one(&self.pool)
        .await?;
        check(oversold == 0, || format!("stock was negative after {oversold} events"))?;
        let shown: i64 = sqlx::query_scalar(
            "select count(*) from inventory_items
             where (state->'Stocked'->>'on_hand')::bigint < (state->'Stocked'->>'reserved')::bigint",
        )
        .fetch_one(&self.pool)
        .await?;
        check(shown == 0, || format!("{shown} stocks are shown with more reserved than on hand"))
    }
}

/// Checks that every read model, rebuilt from the log, equals the live one to the byte.
pub async fn check_live_rows_equal_rebuilt_rows(database_url: &str) -> Result<(), BenchError> {
    let options = StoreOptions { upcasters: domain::upcasters(), ..StoreOptions::default() };
    let store = EventStore::connect(database_url, options).await?;
    for model in ReadModel::ALL {
        let report = rebuild(&store, model, RebuildMode::Verify, |_| ()).await?;
        check(report.is_clean(), || format!("'{model}' differs from its rebuild: {report:?}"))?;
    }
    store.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use event_store::MIGRATIONS;
    use local_postgres::testing::{TestDatabase, database};

    use super::*;

    /// Writes events of one stock at these positions, each with a command id of its own.
    async fn stock(events: &[(i64, &str, i64)]) -> (TestDatabase, CheckedLog) {
        let database = database(&MIGRATIONS).await;
        for (version, (position, event_type, quantity)) in (1_i32..).zip(events) {
            sqlx::query(
                "insert into events (position, stream_type, stream_id, version, event_type,
                     schema_version, payload, command_id, correlation_id, actor, recorded_at)
                 values ($1, 'inventory', $2, $3, $4, 1,
                     json_build_object($4, json_build_object('quantity', $5)), $6, $6, '', now())",
            )
            .bind(position)
            .bind(Uuid::from_u128(1))
            .bind(version)
            .bind(event_type)
            .bind(quantity)
            .bind(Uuid::from_u128(*position as u128))
            .execute(database.pool())
            .await
            .unwrap();
        }
        let log = CheckedLog::new(database.pool().clone());
        (database, log)
    }

    #[tokio::test]
    async fn stock_that_was_negative_for_a_moment_is_found() {
        let sold = [(1, "inventory.adjusted", 2), (2, "inventory.reserved", 2)];
        let (_database, log) = stock(&sold).await;
        log.check_stock_was_never_negative().await.unwrap();

        let oversold = [
            (1, "inventory.adjusted", 2),
            (2, "inventory.reserved", 3),
            (3, "inventory.released", 3),
        ];
        let (_database, log) = stock(&oversold).await;
        log.check_stock_was_never_negative().await.unwrap_err();
    }

    #[tokio::test]
    async fn an_acknowledgement_of_what_is_not_in_the_log_is_found() {
        let (_database, log) = stock(&[(1, "inventory.adjusted", 2)]).await;
        log.check_acks(&[(Uuid::from_u128(1), 1)]).await.unwrap();
        log.check_acks(&[(Uuid::from_u128(2), 1)]).await.unwrap_err();
        log.check_acks(&[(Uuid::from_u128(1), 1 + COMMAND_EVENTS_MAX)]).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_hole_in_the_log_is_found() {
        let (_database, log) =
            stock(&[(1, "inventory.adjusted", 2), (3, "inventory.reserved", 1)]).await;
        log.check_acks(&[]).await.unwrap_err();
    }
}
