//! Stored states of long streams: a cache, which spares a cold load the fold from the first event.
//!
//! The log does not know what is in a state. Whoever stores one gives a hash of its schema, and gets
//! it back under the same hash only.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor, Row};
use uuid::Uuid;

use crate::recorded::{columns, json};
use crate::{RecordedEvent, StoreError, read};

/// A stream's durable state after one of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Of the last event in the state, and that event's place in the log.
    pub version: i32,
    pub position: i64,
    /// A JSON document.
    pub state: String,
}

/// A stream, and the schema of the states that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub stream_id: Uuid,
    pub schema: Uuid,
}

/// A stream as it was loaded: all of its events, or those after a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub snapshot: Option<Snapshot>,
    pub events: Vec<RecordedEvent>,
}

/// An event, and the stored state that ends with it.
struct Line {
    event: RecordedEvent,
    state: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for Line {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Line { event: RecordedEvent::from_row(row)?, state: json(row, row.len() - 1)? })
    }
}

/// Each stream from its snapshot on, as stored, in the order given; one statement, so that a snapshot
/// and what follows it are of one moment.
pub(crate) async fn load(
    database: impl PgExecutor<'_>,
    wanted: &[Wanted],
) -> Result<Vec<Loaded>, StoreError> {
    let (ids, schemas): (Vec<Uuid>, Vec<Uuid>) =
        wanted.iter().map(|wanted| (wanted.stream_id, wanted.schema)).unzip();
    // A snapshot whose own event is not in the log is of another log, or of one that has lost events.
    // Limits and orders inside keep the planner from joining whole tables.
    let lines: Vec<Line> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        ", case when version = snapshot_version then state end
          from unnest($1::uuid[], $2::uuid[]) as wanted (id, expected)
          left join lateral (
              select s.version as snapshot_version, s.state
              from snapshots s join events e using (stream_id, version, position)
              where s.stream_id = id and s.schema = expected
              limit 1
          ) as s on true
          cross join lateral (
              select * from events
              where stream_id = id and version >= coalesce(snapshot_version, 1) order by version
          ) as e
          order by position"
    ))
    .bind(ids)
    .bind(schemas)
    .fetch_all(database)
    .await?;
    by_stream(wanted, lines)
}

fn by_stream(wanted: &[Wanted], lines: Vec<Line>) -> Result<Vec<Loaded>, StoreError> {
    let mut streams: HashMap<Uuid, Loaded> = HashMap::new();
    for Line { event, state } in lines {
        let loaded = streams.entry(event.stream_id).or_default();
        match state {
            Some(state) => {
                let (version, position) = (event.version, event.position);
                loaded.snapshot = Some(Snapshot { version, position, state });
            }
            None => loaded.events.push(event),
        }
    }
    let mut all = Vec::with_capacity(wanted.len());
    for Wanted { stream_id, .. } in wanted {
        let loaded = streams.remove(stream_id).unwrap_or_default();
        let known = loaded.snapshot.as_ref().map_or(0, |snapshot| snapshot.version);
        read::versions_follow(&loaded.events, &[(*stream_id, known)])?;
        all.push(loaded);
    }
    Ok(all)
}

/// Keeps a state in the place of an older one, or of one that nobody can use any more.
pub(crate) async fn save(
    database: impl PgExecutor<'_>,
    stream_type: &str,
    wanted: Wanted,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into snapshots as known (stream_id, stream_type, version, position, schema, state)
         values ($1, $2, $3, $4, $5, $6::text::json)
         on conflict on constraint snapshots_stream do update
         set version = excluded.version, position = excluded.position, schema = excluded.schema,
             state = excluded.state, taken_at = excluded.taken_at
         where excluded.version >= known.version or excluded.schema <> known.schema
            or not exists (
                select from events e
                where (e.stream_id, e.version, e.position)
                    = (known.stream_id, known.version, known.position)
            )",
    )
    .bind(wanted.stream_id)
    .bind(stream_type)
    .bind(snapshot.version)
    .bind(snapshot.position)
    .bind(wanted.schema)
    .bind(&snapshot.state)
    .execute(database)
    .await?;
    Ok(())
}
