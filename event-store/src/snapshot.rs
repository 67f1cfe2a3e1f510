//! Snapshots: stored states of long streams, so that loading one need not fold it from its first
//! event.
//!
//! The log does not interpret a state. A caller stores it with a hash of its schema, and can read
//! it only with the same hash.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor, Row};
use uuid::Uuid;

use crate::recorded::{columns, json};
use crate::{RecordedEvent, StoreError, read};

/// A stream's durable state after one of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The version of the last event that is folded into the state.
    pub version: i32,
    /// The position of that event.
    pub position: i64,
    /// The state, as a JSON document.
    pub state: String,
}

/// Names a stream and the schema of its states: a caller can read only states of its own schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotKey {
    /// The stream.
    pub stream_id: Uuid,
    /// A hash of the state's schema, chosen by the caller.
    pub schema: Uuid,
}

/// A stream as it was loaded: all of its events, or a snapshot and the events after it.
#[derive(Clone, Debug, Default)]
pub struct LoadedStream {
    /// The latest snapshot of the schema that was asked for, if there is one.
    pub snapshot: Option<Snapshot>,
    /// The events after the snapshot, in order.
    pub events: Vec<RecordedEvent>,
}

/// An event. The snapshot's last event has the state too.
struct EventOrState {
    event: RecordedEvent,
    state: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for EventOrState {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(EventOrState { event: RecordedEvent::from_row(row)?, state: json(row, row.len() - 1)? })
    }
}

/// Loads each stream from its snapshot on, not upcast, in the order of `keys`. It is one statement,
/// so that a snapshot and the events after it are read at the same moment.
pub(crate) async fn load(
    database: impl PgExecutor<'_>,
    keys: &[SnapshotKey],
) -> Result<Vec<LoadedStream>, StoreError> {
    let (ids, schemas): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|key| (key.stream_id, key.schema)).unzip();
    // The join with `events` leaves out a snapshot whose last event is not in the log: the snapshot
    // belongs to another log, or the log has lost events. The inner limit and order keep the
    // planner from joining whole tables.
    let rows: Vec<EventOrState> = sqlx::query_as(concat!(
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
    group_by_stream(keys, rows)
}

fn group_by_stream(
    keys: &[SnapshotKey],
    rows: Vec<EventOrState>,
) -> Result<Vec<LoadedStream>, StoreError> {
    let mut streams: HashMap<Uuid, LoadedStream> = HashMap::new();
    for EventOrState { event, state } in rows {
        let loaded = streams.entry(event.stream_id).or_default();
        match state {
            Some(state) => {
                let (version, position) = (event.version, event.position);
                loaded.snapshot = Some(Snapshot { version, position, state });
            }
            None => loaded.events.push(event),
        }
    }
    let mut all = Vec::with_capacity(keys.len());
    for SnapshotKey { stream_id, .. } in keys {
        let loaded = streams.remove(stream_id).unwrap_or_default();
        let known = loaded.snapshot.as_ref().map_or(0, |snapshot| snapshot.version);
        read::check_versions(&loaded.events, &[(*stream_id, known)])?;
        all.push(loaded);
    }
    Ok(all)
}

/// Stores a state, unless there is a newer one of the same schema whose last event is in the log.
pub(crate) async fn save(
    database: impl PgExecutor<'_>,
    stream_type: &str,
    key: SnapshotKey,
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
    .bind(key.stream_id)
    .bind(stream_type)
    .bind(snapshot.version)
    .bind(snapshot.position)
    .bind(key.schema)
    .bind(&snapshot.state)
    .execute(database)
    .await?;
    Ok(())
}
