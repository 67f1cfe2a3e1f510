//! Queries of the log: by stream, by position, by command.

use std::collections::HashMap;

use sqlx::{Executor, PgExecutor, Postgres};
use uuid::Uuid;

use crate::recorded::columns;
use crate::{RecordedEvent, StoreError};

/// The position of the last event; 0 when there is none.
pub(crate) async fn head<'e>(
    database: impl Executor<'e, Database = Postgres>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select coalesce(max(position), 0) from events").fetch_one(database).await
}

/// Up to `limit` events after a position, not upcast.
pub(crate) async fn after(
    database: impl PgExecutor<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from events where position > $1 order by position limit $2"
    ))
    .bind(after)
    .bind(limit)
    .fetch_all(database)
    .await
}

/// The events of several streams, each after a version, in log order, not upcast.
pub(crate) async fn streams(
    database: impl PgExecutor<'_>,
    streams: &[(Uuid, i32)],
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let (ids, versions): (Vec<Uuid>, Vec<i32>) = streams.iter().copied().unzip();
    // The inner order keeps the planner from joining the whole table.
    sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from unnest($1::uuid[], $2::int[]) as s (id, known)
          cross join lateral (
              select * from events where stream_id = s.id and version > s.known order by version
          ) as e
          order by position"
    ))
    .bind(ids)
    .bind(versions)
    .fetch_all(database)
    .await
}

/// The events of one command, not upcast.
pub(crate) async fn command(
    database: impl PgExecutor<'_>,
    command_id: Uuid,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    // Only the first event of a command has its id, so the command's events end before the next
    // event with an id.
    sqlx::query_as(concat!(
        "with first as (select position as first from events where command_id = $1)
         select ",
        columns!(),
        " from events
          where position >= (select first from first)
            and position < coalesce(
                (select position from events
                 where position > (select first from first) and command_id is not null
                 order by position limit 1),
                9223372036854775807)
          order by position"
    ))
    .bind(command_id)
    .fetch_all(database)
    .await
}

/// Checks that the events follow the position `after` without a hole.
pub(crate) fn check_positions(events: &[RecordedEvent], after: i64) -> Result<(), StoreError> {
    for (event, after) in events.iter().zip(after..) {
        if event.position != after + 1 {
            return Err(StoreError::Hole { after });
        }
    }
    Ok(())
}

/// Checks that each stream's events follow the version in `known` without a hole.
pub(crate) fn check_versions(
    events: &[RecordedEvent],
    known: &[(Uuid, i32)],
) -> Result<(), StoreError> {
    let mut last: HashMap<Uuid, i32> = known.iter().copied().collect();
    for event in events {
        let after = last.entry(event.stream_id).or_default();
        if event.version != *after + 1 {
            return Err(StoreError::StreamHole { stream_id: event.stream_id, after: *after });
        }
        *after = event.version;
    }
    Ok(())
}
