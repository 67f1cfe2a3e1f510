//! What a caller hands to the log, and what the log answers.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Ticket;

/// One item: events that become durable together or not at all, and what they were decided on.
#[derive(Clone, Debug)]
pub struct Append {
    pub command: Command,
    /// Every stream that was read or is written, as it was when the item was decided.
    pub bases: Vec<(Uuid, Base)>,
    /// In the order in which they happened.  None at all: the bases are only checked.
    pub events: Vec<NewEvent>,
}

/// The command that an item carries out.
#[derive(Clone, Debug)]
pub struct Command {
    /// Known to the log once and for ever: a second item with this id is a [`Outcome::Duplicate`].
    pub id: Uuid,
    /// Tells a repeated request from another one under the same id.
    pub request_hash: Option<[u8; 32]>,
    /// A JSON document, stored byte for byte.
    pub metadata: String,
    /// The id of the command at the root of it all.
    pub correlation_id: Uuid,
    /// The position of the event that this command answers.
    pub caused_by: Option<i64>,
    /// Who: `customer:`, `guest:`, `staff:`, `key:` or `system:`, and an id.
    pub actor: String,
}

/// An event that is not in the log yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub stream_type: &'static str,
    pub stream_id: Uuid,
    /// One more than the version of the stream's last event; the first is 1.
    pub version: i32,
    pub event_type: &'static str,
    pub schema_version: i16,
    /// A JSON document, stored byte for byte.
    pub payload: String,
}

/// What a stream was when an item was decided.
///
/// A version would not do: after a rejection another node's event may have taken it.
#[derive(Clone, Debug)]
pub enum Base {
    /// The position of the stream's last event; 0 when there was no such stream.
    Durable(i64),
    /// The item that was the stream's last writer, durable or not.
    Pending(Ticket),
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The events are durable at `first..=last`.
    Appended {
        first: i64,
        last: i64,
        /// When the first was recorded; each following event is 1 µs later.
        recorded_at: DateTime<Utc>,
    },
    /// An item without events: everything it was decided on is durable and current.
    Confirmed,
    /// A stream moved on, or what it was decided on was refused.  Nothing was written; decide again.
    Conflict { stream_id: Uuid },
    /// The command is in the log already, at `first..=last`.  Nothing was written.
    Duplicate { first: i64, last: i64, request_hash: Option<[u8; 32]> },
}
