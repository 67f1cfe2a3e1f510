//! An append on its way: its place in the queue, and the outcome that its senders wait for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use tokio::sync::mpsc::OwnedPermit;
use uuid::Uuid;

use crate::{Append, AppendOutcome, ExpectedHead, StoreError};

/// Room for one append in the appender's queue.
pub struct Permit(pub(crate) OwnedPermit<QueuedAppend>);

impl Permit {
    /// Queues the append behind everything sent before.  Never waits, so it may be called under a mutex.
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

/// Handle on an append that was sent.  Dropping it cancels nothing: the append is written all the same.
#[derive(Clone)]
pub struct PendingAppend(Arc<Inner>);

struct Inner {
    outcome: OnceLock<Result<AppendOutcome, StoreError>>,
    waiters: Notify,
    /// For each stream that the append writes: how many positions its last event is behind the append's
    /// first one.
    writes: Vec<(Uuid, i64)>,
}

/// What is known of the head that a pending append gives a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PendingHead {
    /// The append is durable; its last event on the stream has this position.
    Durable(i64),
    /// The append was refused.
    Refused,
    /// The append has no outcome yet.
    Undecided,
    /// The append does not write the stream.
    NotWritten,
}

impl PendingAppend {
    fn new(append: &Append) -> PendingAppend {
        let mut writes: Vec<(Uuid, i64)> = Vec::new();
        for (offset, event) in (0..).zip(&append.events) {
            match writes.iter_mut().find(|(id, _)| *id == event.stream_id) {
                Some((_, last)) => *last = offset,
                None => writes.push((event.stream_id, offset)),
            }
        }
        PendingAppend(Arc::new(Inner { outcome: OnceLock::new(), waiters: Notify::new(), writes }))
    }

    /// Resolves when the append is durable or refused.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the append can never be stored, [`StoreError::Closed`] or
    /// [`StoreError::LogWentBack`] if the store stopped first.
    pub async fn outcome(&self) -> Result<AppendOutcome, StoreError> {
        loop {
            // Made before looking at the outcome, so that no wake-up is missed in between.
            let woken = self.0.waiters.notified();
            if let Some(outcome) = self.0.outcome.get() {
                return outcome.clone();
            }
            woken.await;
        }
    }

    /// Where the append leaves the head of a stream, as far as that is known.
    pub(crate) fn head_of(&self, stream_id: Uuid) -> PendingHead {
        if !self.0.writes.iter().any(|(id, _)| *id == stream_id) {
            return PendingHead::NotWritten;
        }
        let Some(answer) = self.0.outcome.get() else {
            return PendingHead::Undecided;
        };
        let head = answer.as_ref().ok().and_then(|outcome| self.head_after(stream_id, outcome));
        head.map_or(PendingHead::Refused, PendingHead::Durable)
    }

    /// The position that the append's last event on the stream has if its outcome is `outcome`.
    pub(crate) fn head_after(&self, stream_id: Uuid, outcome: &AppendOutcome) -> Option<i64> {
        let AppendOutcome::Appended { first, .. } = outcome else {
            return None;
        };
        let (_, offset) = self.0.writes.iter().find(|(id, _)| *id == stream_id)?;
        Some(first + offset)
    }

    pub(crate) fn is_same(&self, other: &PendingAppend) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn writes(&self) -> &[(Uuid, i64)] {
        &self.0.writes
    }

    /// Sets the outcome, but leaves it to [`PendingAppend::wake_waiters`] to wake those who wait for it.
    pub(crate) fn set_outcome(&self, outcome: Result<AppendOutcome, StoreError>) {
        // Only the first outcome counts; `QueuedAppend::drop` always sets one more.
        let _ = self.0.outcome.set(outcome);
    }

    pub(crate) fn wake_waiters(&self) {
        self.0.waiters.notify_waiters();
    }
}

impl fmt::Debug for PendingAppend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PendingAppend").field(&self.0.outcome.get()).finish()
    }
}

/// An append that the appender is responsible for.  However it is dropped, its waiters get an answer.
#[derive(Debug)]
pub(crate) struct QueuedAppend {
    pub(crate) append: Append,
    pub(crate) pending: PendingAppend,
    /// Whether it was sent to Postgres before with an unknown outcome.
    pub(crate) is_resent: bool,
}

impl QueuedAppend {
    pub(crate) fn new(append: Append) -> QueuedAppend {
        let pending = PendingAppend::new(&append);
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
