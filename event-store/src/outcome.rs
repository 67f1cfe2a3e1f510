//! The log's answer to an append.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What happened to an [`crate::Append`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// The events are durable at the positions `first..=last`.
    Appended {
        /// The position of the first event.
        first: i64,
        /// The position of the last event.
        last: i64,
        /// When the first event was recorded, by the database's clock; each following event is 1 µs
        /// later.
        recorded_at: DateTime<Utc>,
    },
    /// The append has no events, and everything it was decided on is durable and current.
    Confirmed,
    /// A stream's head is not the expected one, or the append that was expected there was refused.
    /// Nothing was written: load the stream and decide again.
    Conflict {
        /// One of the streams that are not as expected.
        stream_id: Uuid,
    },
    /// The log has this command already.  Nothing was written.
    Duplicate {
        /// The position of the command's first event.
        first: i64,
        /// The position of the command's last event.
        last: i64,
        /// The hash of the request that was stored with the command.
        request_hash: Option<[u8; 32]>,
    },
}
