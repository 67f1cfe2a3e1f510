//! What a caller sends to the log.

use uuid::Uuid;

use crate::PendingAppend;

/// Events that become durable together or not at all, and the state of the streams that they were
/// decided on.
#[derive(Clone, Debug)]
pub struct Append {
    /// The command that decided the events.
    pub command: CommandRecord,
    /// For every stream that was read or is written: its head when the command was decided.
    pub expected_heads: Vec<(Uuid, ExpectedHead)>,
    /// In the order in which they happened.  If there are none, the log only checks the expected
    /// heads.
    pub events: Vec<NewEvent>,
}

/// The command of an [`Append`], as the log records it with the command's first event.
#[derive(Clone, Debug)]
pub struct CommandRecord {
    /// The idempotency key.  The log stores a command once: a second append with this id is
    /// answered with [`crate::AppendOutcome::Duplicate`].
    pub id: Uuid,
    /// Distinguishes a repeated request from a different one under the same id.
    pub request_hash: Option<[u8; 32]>,
    /// A JSON document, stored byte for byte.
    pub metadata: String,
    /// The id of the first command of the chain of commands and reactions that this one belongs to.
    pub correlation_id: Uuid,
    /// The position of the event that this command reacts to.
    pub caused_by: Option<i64>,
    /// Who sent it: `customer:`, `guest:`, `staff:`, `key:` or `system:`, followed by an id.
    pub actor: String,
}

/// An event that is not in the log yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The type of the stream's aggregate, such as `order`.
    pub stream_type: &'static str,
    /// The stream that the event belongs to.
    pub stream_id: Uuid,
    /// One more than the version of the stream's last event; 1 for the first event of a stream.
    pub version: i32,
    /// The event's name, such as `order.placed`.
    pub event_type: &'static str,
    /// The version of the payload's schema; upcasters lift older ones.
    pub schema_version: i16,
    /// A JSON document, stored byte for byte.
    pub payload: String,
}

/// A stream's head at the time when a command was decided.
///
/// A version would not be enough: if an append was refused, an event of another node may have the
/// version that its event would have had.
#[derive(Clone, Debug)]
pub enum ExpectedHead {
    /// The position of the stream's last event; 0 if the stream did not exist.
    Durable(i64),
    /// The append that wrote the stream last, whether or not it is durable yet.
    Pending(PendingAppend),
}
