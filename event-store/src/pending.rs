//! The outcome of an append that was sent, for callers that wait for it, and for appends that were
//! decided on it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::{AppendOutcome, StoreError};

/// Handle on an append that was sent.  Dropping it cancels nothing: the append is still written.
#[derive(Clone)]
pub struct PendingAppend(Arc<Inner>);

struct Inner {
    outcome: OnceLock<Result<AppendOutcome, StoreError>>,
    waiters: Notify,
    /// For each stream that the append writes: the distance from the append's first position to
    /// that of its last event on the stream.
    writes: Vec<(Uuid, i64)>,
}

/// What is known about the head of a stream after a pending append.
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
    /// `written` has the stream of every event of the append, in the order of the events.
    pub(crate) fn new(written: impl Iterator<Item = Uuid>) -> PendingAppend {
        let mut writes: Vec<(Uuid, i64)> = Vec::new();
        for (offset, stream_id) in (0..).zip(written) {
            match writes.iter_mut().find(|(id, _)| *id == stream_id) {
                Some((_, last)) => *last = offset,
                None => writes.push((stream_id, offset)),
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
            // Created before the outcome is read, so that no wake-up is missed in between.
            let woken = self.0.waiters.notified();
            if let Some(outcome) = self.0.outcome.get() {
                return outcome.clone();
            }
            woken.await;
        }
    }

    /// The stream's head after the append, as far as it is known.
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

    /// Sets the outcome, but does not wake those who wait for it; [`PendingAppend::wake_waiters`]
    /// does.
    pub(crate) fn set_outcome(&self, outcome: Result<AppendOutcome, StoreError>) {
        // Only the first outcome counts; a dropped `QueuedAppend` always sets one more.
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
