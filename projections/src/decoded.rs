//! Decodes an event of the log into an event of the domain.

use std::sync::Arc;

use domain::{DecodeError, Event, Kind, StreamId, Timestamp};
use event_store::RecordedEvent;
use uuid::Uuid;

/// A committed event of the domain with its envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedEvent {
    /// Identifies the event. Positions are contiguous from 1, in commit order.
    pub position: i64,
    pub stream: StreamId,
    /// The number of the event in its stream, from 1.
    pub version: i32,
    pub event: Event,
    pub recorded_at: Timestamp,
    pub actor: Arc<str>,
    /// Set on the first event of each command only.
    pub command_id: Option<Uuid>,
    /// The id of the command that began the chain of causes.
    pub correlation_id: Uuid,
    /// The position of the event that caused this one. None if nothing but the command of a person
    /// or another program caused it.
    pub caused_by: Option<i64>,
}

/// A stored event that this program cannot decode.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    #[error("the event at position {position} is of the unknown kind '{kind}'")]
    Kind { position: i64, kind: Arc<str> },
    #[error("the event at position {position} cannot be read: {source}")]
    Payload {
        position: i64,
        #[source]
        source: DecodeError,
    },
}

pub fn decode(event: &RecordedEvent) -> Result<DecodedEvent, Undecodable> {
    let position = event.position;
    let kind: Kind = event
        .stream_type
        .parse()
        .map_err(|()| Undecodable::Kind { position, kind: event.stream_type.clone() })?;
    let decoded = Event::decode(kind, &event.payload)
        .map_err(|source| Undecodable::Payload { position, source })?;
    Ok(DecodedEvent {
        position,
        stream: StreamId::new(kind, event.stream_id),
        version: event.version,
        event: decoded,
        recorded_at: event.recorded_at,
        actor: event.actor.clone(),
        command_id: event.command_id,
        correlation_id: event.correlation_id,
        caused_by: event.caused_by,
    })
}
