//! What a command is.

use domain::{Event, StreamId, Timestamp};

use super::{Halt, States};

pub use domain::checkout::Changes;

/// A command to the shop, with all its input.
pub trait Command: Send + Sync + 'static {
    /// Stored in the log with the first event, and counted in the metrics.
    fn name(&self) -> &'static str;

    /// The stream of the object that the command is about: the receipt has its state, and an
    /// expected version is compared with its version.
    fn subject(&self) -> Option<StreamId>;

    /// A stream that the command most likely creates: it is assumed to be absent instead of being
    /// loaded. If it does exist, the log refuses the decision, and the command is decided again on
    /// the loaded state.
    fn begins(&self) -> Option<StreamId> {
        None
    }

    /// Decides on the states it asks for, at the time `now`. It may be called several times: if a
    /// state is not loaded yet, the decision halts, the state is loaded, and the decision is made
    /// again.
    ///
    /// # Errors
    /// The stream that must be loaded first, or the refusal.
    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt>;
}

/// The changes of events that all belong to one stream.
pub(crate) fn changes<E: Into<Event>>(stream: StreamId, events: Vec<E>) -> Changes {
    events.into_iter().map(|event| (stream, event.into())).collect()
}
