//! What a command is.

use domain::{Event, Refusal, StreamId, Timestamp};

use super::States;

pub use domain::checkout::Changes;

/// Something that is asked of the shop, with all the facts it needs.
pub trait Command: Send + Sync + 'static {
    /// Stored in the log, beside the first event.
    fn name(&self) -> &'static str;

    /// The stream that the command is mainly about: its state is in the receipt, and it is the one
    /// whose version a caller may have named.
    fn subject(&self) -> Option<StreamId>;

    /// A stream that the command most likely begins: it is taken for absent instead of being looked for.
    /// If it exists after all, the log refuses the decision, and the next one is made on what is there.
    fn begins(&self) -> Option<StreamId> {
        None
    }

    /// Decides on the states it asks for. It may be called several times: a state that is not at
    /// hand halts the decision, is loaded, and the decision is made again.
    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt>;
}

/// Why a decision stopped.
#[derive(Debug)]
pub enum Halt {
    /// This stream has to be loaded first.
    Missing(StreamId),
    Refused(Refusal),
}

impl<R: Into<Refusal>> From<R> for Halt {
    fn from(refusal: R) -> Self {
        Halt::Refused(refusal.into())
    }
}

/// All of it on one stream.
pub(crate) fn changes<E: Into<Event>>(stream: StreamId, events: Vec<E>) -> Changes {
    events.into_iter().map(|event| (stream, event.into())).collect()
}
