//! An event as the log stores it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row, ValueRef};
use uuid::Uuid;

use crate::Append;

/// A committed event.  Its identity is its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The event's place in the log: contiguous from 1, in commit order.
    pub position: i64,
    /// The type of the stream's aggregate, such as `order`.
    pub stream_type: Arc<str>,
    /// The stream that the event belongs to.
    pub stream_id: Uuid,
    /// The event's place in its stream: contiguous from 1.
    pub version: i32,
    /// The event's name, such as `order.placed`.
    pub event_type: Arc<str>,
    /// The version of the payload's schema, after upcasting.
    pub schema_version: i16,
    /// A JSON document: the bytes that were written, unless an upcaster changed them.
    pub payload: String,
    /// The id of the event's command.  Only the command's first event has it, and the two fields
    /// below.
    pub command_id: Option<Uuid>,
    /// See [`CommandRecord::request_hash`](crate::CommandRecord::request_hash).
    pub request_hash: Option<[u8; 32]>,
    /// The command's metadata: a JSON document, byte for byte as it was written.
    pub metadata: Option<String>,
    /// The id of the first command of the chain of commands and reactions that the event belongs
    /// to.
    pub correlation_id: Uuid,
    /// The position of the event that the event's command reacted to.
    pub caused_by: Option<i64>,
    /// Who sent the command; see [`CommandRecord::actor`](crate::CommandRecord::actor).
    pub actor: Arc<str>,
    /// When the event was recorded, by the database's clock; it grows with the position within a
    /// command.
    pub recorded_at: DateTime<Utc>,
}

/// The columns that [`RecordedEvent`] is read from.
macro_rules! columns {
    () => {
        "position, stream_type, stream_id, version, event_type, schema_version, payload, \
         command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at"
    };
}
pub(crate) use columns;

impl<'r> FromRow<'r, PgRow> for RecordedEvent {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let hash: Option<&[u8]> = row.try_get(8)?;
        Ok(RecordedEvent {
            position: row.try_get(0)?,
            stream_type: row.try_get::<&str, _>(1)?.into(),
            stream_id: row.try_get(2)?,
            version: row.try_get(3)?,
            event_type: row.try_get::<&str, _>(4)?.into(),
            schema_version: row.try_get(5)?,
            payload: json(row, 6)?.unwrap_or_default(),
            command_id: row.try_get(7)?,
            request_hash: hash.and_then(|hash| hash.try_into().ok()),
            metadata: json(row, 9)?,
            correlation_id: row.try_get(10)?,
            caused_by: row.try_get(11)?,
            actor: row.try_get::<&str, _>(12)?.into(),
            recorded_at: row.try_get(13)?,
        })
    }
}

/// The exact text of a `json` column; sqlx would parse it.
pub(crate) fn json(row: &PgRow, column: usize) -> Result<Option<String>, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(None);
    }
    let text = value.as_str().map_err(sqlx::Error::Decode)?;
    Ok(Some(text.to_owned()))
}

/// Takes the events out of an item that became durable from `first` on, as the log would read them
/// back.
pub(crate) fn recorded(
    append: &mut Append,
    first: i64,
    recorded_at: DateTime<Utc>,
) -> impl Iterator<Item = RecordedEvent> + use<> {
    let events = std::mem::take(&mut append.events);
    let command = &mut append.command;
    let (id, hash) = (command.id, command.request_hash);
    let (correlation_id, caused_by) = (command.correlation_id, command.caused_by);
    let actor: Arc<str> = std::mem::take(&mut command.actor).into();
    let mut metadata = Some(std::mem::take(&mut command.metadata));
    (0..).zip(events).map(move |(offset, event)| RecordedEvent {
        position: first + offset,
        stream_type: event.stream_type.into(),
        stream_id: event.stream_id,
        version: event.version,
        event_type: event.event_type.into(),
        schema_version: event.schema_version,
        payload: event.payload,
        command_id: (offset == 0).then_some(id),
        request_hash: hash.filter(|_| offset == 0),
        metadata: metadata.take(),
        correlation_id,
        caused_by,
        actor: actor.clone(),
        recorded_at: recorded_at + TimeDelta::microseconds(offset),
    })
}
