//! Deadlines: what must happen by when, as `domain::process::deadline` defines it.

mod query;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DurationRound, TimeDelta};
use domain::process::{Deadline, DeadlineChange, deadline};
use domain::{StreamId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use uuid::Uuid;

use crate::decoded::DecodedEvent;
use crate::feed::LogEntry;
use crate::projection::{Poison, Projection};
use crate::table::{Column, Table};

pub use self::query::DueNotification;

pub(crate) struct Deadlines;

/// One deadline of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDeadline {
    pub deadline: Deadline,
    pub stream: StreamId,
    /// Rounded up to the microsecond.
    pub due_at: Timestamp,
    /// The position of the event that set it.
    pub position: i64,
}

static TABLE: LazyLock<Table<DueDeadline>> = LazyLock::new(|| {
    let columns = [
        Column::text("kind", |due: &DueDeadline| Some(due.deadline.as_str())),
        Column::text("stream_type", |due| Some(due.stream.kind.as_str())),
        Column::uuid("stream_id", |due| Some(due.stream.id)),
        Column::timestamptz("due_at", |due| Some(due.due_at)),
        Column::bigint("position", |due| Some(due.position)),
    ];
    Table::new("deadlines", &["kind", "stream_id"], columns)
});

impl Projection for Deadlines {
    const VERSION: i32 = 2;
    type Key = (Deadline, StreamId);
    type Row = DueDeadline;

    fn table() -> &'static Table<DueDeadline> {
        &TABLE
    }

    fn key(entry: &LogEntry) -> Result<Option<Self::Key>, Poison> {
        Ok(change(entry)?.map(|(recorded, change)| match change {
            DeadlineChange::Set(deadline, _) | DeadlineChange::Clear(deadline) => {
                (deadline, recorded.stream)
            }
        }))
    }

    fn begins(_: &LogEntry) -> bool {
        // The latest event alone determines the deadline.
        true
    }

    fn apply(_: Option<DueDeadline>, entry: &LogEntry) -> Result<Option<DueDeadline>, Poison> {
        Ok(change(entry)?.and_then(|(recorded, change)| match change {
            DeadlineChange::Clear(_) => None,
            DeadlineChange::Set(deadline, due_at) => Some(DueDeadline {
                deadline,
                stream: recorded.stream,
                due_at: round_up(due_at),
                position: recorded.position,
            }),
        }))
    }

    async fn load(
        _: &mut PgConnection,
        _: &[Self::Key],
    ) -> Result<BTreeMap<Self::Key, DueDeadline>, sqlx::Error> {
        // No row depends on the row before it.
        Ok(BTreeMap::new())
    }

    async fn remove(connection: &mut PgConnection, keys: &[Self::Key]) -> Result<(), sqlx::Error> {
        let kinds: Vec<&str> = keys.iter().map(|(deadline, _)| deadline.as_str()).collect();
        let streams: Vec<Uuid> = keys.iter().map(|(_, stream)| stream.id).collect();
        sqlx::query(
            "delete from deadlines using unnest($1::text[], $2::uuid[]) as removed (kind, stream_id)
             where deadlines.kind = removed.kind and deadlines.stream_id = removed.stream_id",
        )
        .bind(kinds)
        .bind(streams)
        // The statement is planned each time, for the table's current size.
        .persistent(false)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// How the event changes the deadlines of its stream. Any event may set one, so every event must be
/// decoded.
fn change(entry: &LogEntry) -> Result<Option<(&DecodedEvent, DeadlineChange)>, Poison> {
    let recorded = entry.decoded()?;
    Ok(deadline(recorded.stream, &recorded.event).map(|change| (recorded, change)))
}

/// Postgres stores microseconds. A deadline that is executed too early would be refused.
fn round_up(at: Timestamp) -> Timestamp {
    let floor = at.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(at);
    if floor < at { floor + TimeDelta::microseconds(1) } else { at }
}

impl<'r> FromRow<'r, PgRow> for DueDeadline {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let unknown = || {
            sqlx::Error::Decode(
                "deadlines.kind or deadlines.stream_type has an unknown value".into(),
            )
        };
        let deadline = Deadline::parse(row.try_get("kind")?).ok_or_else(unknown)?;
        let kind = row.try_get::<&str, _>("stream_type")?.parse().map_err(|()| unknown())?;
        Ok(DueDeadline {
            deadline,
            stream: StreamId::new(kind, row.try_get("stream_id")?),
            due_at: row.try_get("due_at")?,
            position: row.try_get("position")?,
        })
    }
}
