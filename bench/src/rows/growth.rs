//! `growth_append`, `growth_load` and `growth_load_any`: how much slower a log of 10,000,000 events
//! is than one of 100,000.
//!
//! Postgres itself generates the events. A stream has 100 of them, mixed with those of 199 other
//! streams, as in a shop; stream ids and command ids are random, which is the worst case for
//! indexes. A shop works on its latest streams, however long its log is: `growth_load` loads one of
//! the latest streams, of which it takes as many as the small log has. `growth_load_any` loads any
//! stream, which is usually not in Postgres' memory.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use super::append::{WRITERS, Writers};
use super::limit_append;
use crate::error::{BenchError, check};
use crate::history;
use crate::report::ReportLine;
use crate::sample::{Sample, latencies};
use crate::shared_servers::SharedServers;

/// Number of events of one stream.
const STREAM: i64 = 100;
/// Number of events in a group of streams that are written side by side.
const ROUND: i64 = 200 * STREAM;
/// Number of events of one insert.
const BATCH: i64 = 500_000;

const FILL: &str = "insert into events (
        position, stream_type, stream_id, version, event_type, schema_version, payload,
        command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at
    )
    select n + 1, 'cart', md5('stream ' || n / $3 * ($3 / $4) + n % ($3 / $4))::uuid,
           n % $3 / ($3 / $4) + 1, $5, 1, $6::json, c.id, $7, $8::json, c.id, null,
           'customer:' || c.id, timestamptz '2026-01-01' + n * interval '1 millisecond'
    from generate_series($1::bigint, $2::bigint - 1) as n
    cross join lateral (select md5('command ' || n)::uuid) as c (id)";

/// The indexes: how each is dropped, and how it is created again.
const INDEXES: &str = "
    select format('alter table events drop constraint %I', conname),
           format('alter table events add constraint %I %s', conname, pg_get_constraintdef(oid))
    from pg_constraint where conrelid = 'events'::regclass and contype in ('p', 'u')
    union all
    select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    from pg_index i where indrelid = 'events'::regclass
      and not exists (select from pg_constraint c where c.conindid = i.indexrelid)";

/// A filled log, and those who write to it and read from it.
struct Grown {
    events: i64,
    pool: PgPool,
    writers: Writers,
}

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    // Rounded down to whole streams.
    let whole = |events: i64| events / ROUND * ROUND;
    let (few, many) = (whole(shared.sizes.growth.0), whole(shared.sizes.growth.1));
    let mut small = Grown::fill(shared, "growth_small", few).await?;
    let mut large = Grown::fill(shared, "growth_large", many).await?;
    let appends = shared
        .interleave(
            "growth_append",
            async |time| small.writers.run(time).await,
            async |time| large.writers.run(time).await,
        )
        .await?;
    let loads = shared
        .interleave(
            "growth_load",
            async |time| small.load(few / STREAM, time).await,
            async |time| large.load(few / STREAM, time).await,
        )
        .await?;
    let loads_of_any = shared
        .interleave(
            "growth_load_any",
            async |time| small.load(few / STREAM, time).await,
            async |time| large.load(many / STREAM, time).await,
        )
        .await?;
    let lines = |name: &str, who: &str, unit, pairs: &[_]| {
        let conditions = |events| format!("{who}, {events} events in the log");
        let limit = (format!("limit_{name}"), conditions(small.events));
        ReportLine::of_pairs(limit, (name.to_owned(), conditions(large.events)), unit, pairs)
    };
    let mut all = lines("growth_append", &format!("{WRITERS} writers"), "events/s", &appends);
    let latest = format!("one reader, the latest streams, {STREAM} events each");
    all.extend(lines("growth_load", &latest, "loads/s", &loads));
    let any = format!("one reader, any stream, {STREAM} events each");
    all.extend(lines("growth_load_any", &any, "loads/s", &loads_of_any));
    small.writers.end().await?;
    large.writers.end().await?;
    Ok(all)
}

impl Grown {
    async fn fill(shared: &SharedServers, name: &str, events: i64) -> Result<Grown, BenchError> {
        let (url, pool) = shared.database(name).await?;
        fill(shared, name, &pool, events).await?;
        let writers = Writers::begin(&url, pool.clone(), WRITERS).await?;
        Ok(Grown { events, pool, writers })
    }

    /// Loads some of the latest streams, again and again.
    async fn load(&self, latest: i64, time: Duration) -> Result<Sample, BenchError> {
        let mut latency = latencies();
        let mut loading = Duration::ZERO;
        while loading < time {
            let number = self.events / STREAM - 1 - rand::random_range(0..latest);
            let stream: Uuid = sqlx::query_scalar("select md5('stream ' || $1)::uuid")
                .bind(number)
                .fetch_one(&self.pool)
                .await?;
            let sent = Instant::now();
            let events = self.writers.store.load(stream, 0).await?;
            let took = sent.elapsed();
            latency.record(took.as_micros() as u64)?;
            loading += took;
            let found = events.len() as i64;
            check(found == STREAM, || format!("{stream} has {found} events, not {STREAM}"))?;
        }
        Ok(Sample::new(latency.len(), loading, &latency))
    }
}

/// Fills an empty log, and creates its indexes afterwards, which is much faster.
async fn fill(
    shared: &SharedServers,
    name: &str,
    pool: &PgPool,
    events: i64,
) -> Result<(), BenchError> {
    let mut connection = pool.acquire().await?;
    let faster = "set synchronous_commit = off; set maintenance_work_mem = '512MB'";
    sqlx::raw_sql(faster).execute(&mut *connection).await?;
    let indexes: Vec<(String, String)> =
        sqlx::query_as(INDEXES).fetch_all(&mut *connection).await?;
    for (drop, _) in &indexes {
        sqlx::raw_sql(AssertSqlSafe(drop.as_str())).execute(&mut *connection).await?;
    }
    let mut filled = 0;
    while filled < events {
        shared.message(format!("{name}: {filled} of {events} events"));
        let until = (filled + BATCH).min(events);
        insert(&mut connection, filled, until).await?;
        filled = until;
    }
    shared.message(format!("{name}: creating the indexes"));
    for (_, create) in &indexes {
        sqlx::raw_sql(AssertSqlSafe(create.as_str())).execute(&mut *connection).await?;
    }
    history::settle(pool).await
}

/// Inserts the events at the positions from `after` + 1 to `to`.
async fn insert(connection: &mut PgConnection, after: i64, to: i64) -> Result<(), BenchError> {
    sqlx::query(FILL)
        .bind(after)
        .bind(to)
        .bind(ROUND)
        .bind(STREAM)
        .bind(limit_append::EVENT_TYPE)
        .bind(limit_append::PAYLOAD)
        .bind([7_u8; 32].as_slice())
        .bind(limit_append::METADATA)
        .execute(connection)
        .await?;
    Ok(())
}
