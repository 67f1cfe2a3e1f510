//! The receipt of an executed command.

use domain::{State, StreamId};
use projections::DecodedEvent;

use super::stream_state::StreamState;

/// The command is durable, or it had nothing to change.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The events that the command wrote, in log order. Empty if nothing had to change.
    pub events: Vec<DecodedEvent>,
    /// A read model that has reached this position of the log includes the result.
    pub position: i64,
    /// The command's subject after this command.
    pub subject: Option<Subject>,
    /// Whether the command had been executed before, under the same id. Then the events and the
    /// position are those of the first time, and the subject is the current one.
    pub replayed: bool,
}

/// The object that a command was about.
#[derive(Debug, Clone)]
pub struct Subject {
    pub stream: StreamId,
    pub version: i32,
    pub state: State,
}

impl Subject {
    pub(super) fn new(stream: StreamId, known: &StreamState) -> Subject {
        Subject { stream, version: known.version, state: known.state.clone() }
    }
}

impl Receipt {
    /// The first stream of this kind that the command wrote to.
    pub fn stream(&self, kind: domain::Kind) -> Option<StreamId> {
        self.events.iter().map(|event| event.stream).find(|stream| stream.kind == kind)
    }
}
