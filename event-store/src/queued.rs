//! An append in the appender's queue.

use std::fmt;

use tokio::sync::mpsc::OwnedPermit;
use uuid::Uuid;

use crate::pending::PendingHead;
use crate::{Append, AppendOutcome, ExpectedHead, PendingAppend, StoreError};

/// Reserved space for one append in the appender's queue.
pub struct Permit(pub(crate) OwnedPermit<QueuedAppend>);

impl Permit {
    /// Queues the append after all that were sent before. Never waits, so it may be called under a
    /// mutex.
    pub fn send(self, append: Append) -> PendingAppend {
        let queued = QueuedAppend::new(append);
        let pending = queued.pending.clone();
        self.0.send(queued);
        pending
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// An append that the appender must answer. Dropping it answers with [`StoreError::Closed`].
#[derive(Debug)]
pub(crate) struct QueuedAppend {
    pub(crate) append: Append,
    pub(crate) pending: PendingAppend,
    /// Whether it was sent to Postgres before and the outcome is unknown.
    pub(crate) is_resent: bool,
}

impl QueuedAppend {
    pub(crate) fn new(append: Append) -> QueuedAppend {
        let pending = PendingAppend::new(append.events.iter().map(|event| event.stream_id));
        QueuedAppend { append, pending, is_resent: false }
    }

    pub(crate) fn answer(&self, outcome: Result<AppendOutcome, StoreError>) {
        self.pending.set_outcome(outcome);
        self.pending.wake_waiters();
    }

    /// A stream whose expected head is an append without an outcome, and that append.
    pub(crate) fn first_undecided(&self) -> Option<(Uuid, &PendingAppend)> {
        let mut expected = self.append.expected_heads.iter();
        expected.find_map(|(stream, head)| match head {
            ExpectedHead::Pending(pending)
                if pending.head_of(*stream) == PendingHead::Undecided =>
            {
                Some((*stream, pending))
            }
            _ => None,
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let events: usize = self.append.events.iter().map(|e| e.payload.len()).sum();
        events + self.append.command.metadata.len()
    }
}

impl Drop for QueuedAppend {
    fn drop(&mut self) {
        self.answer(Err(StoreError::Closed));
    }
}
