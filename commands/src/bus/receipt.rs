//! What a caller is told of a command that was carried out.

use domain::{State, StreamId};
use projections::Recorded;

use super::cache::Slot;

/// The command is durable, or there was nothing to do.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// In log order; none when what was asked was already so.
    pub events: Vec<Recorded>,
    /// Read models at this position show the result.
    pub position: i64,
    /// The command's subject as this command left it.
    pub subject: Option<Subject>,
    /// The command had been carried out before; this is its first result, and the subject as it now
    /// stands.
    pub replayed: bool,
}

#[derive(Debug, Clone)]
pub struct Subject {
    pub stream: StreamId,
    pub version: i32,
    pub state: State,
}

impl Subject {
    pub(super) fn new(stream: StreamId, slot: &Slot) -> Subject {
        Subject { stream, version: slot.version, state: slot.state.clone() }
    }
}

impl Receipt {
    /// The first stream of this kind that the command wrote.
    pub fn stream(&self, kind: domain::Kind) -> Option<StreamId> {
        self.events.iter().map(|event| event.stream).find(|stream| stream.kind == kind)
    }
}
