//! A place in the queue, and the promise of an answer.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use tokio::sync::mpsc::OwnedPermit;
use uuid::Uuid;

use crate::{Append, Base, Outcome, StoreError};

/// Room for one item in the appender's queue.
pub struct Permit(pub(crate) OwnedPermit<Queued>);

impl Permit {
    /// Queues the item behind everything sent before.  Never waits, so it may be called under a mutex.
    pub fn send(self, append: Append) -> Ticket {
        let queued = Queued::new(append);
        let ticket = queued.ticket.clone();
        self.0.send(queued);
        ticket
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// Stands for an item on its way.  Dropping it changes nothing: the item is appended all the same.
#[derive(Clone)]
pub struct Ticket(Arc<Inner>);

struct Inner {
    outcome: OnceLock<Result<Outcome, StoreError>>,
    told: Notify,
    /// Per stream that the item writes: how far its last event is from the item's first.
    writes: Vec<(Uuid, i64)>,
}

/// Where an undecided item may leave a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The item is durable; this is its last position on the stream.
    At(i64),
    /// The item was refused.
    Refused,
    Undecided,
    /// The item never meant to write the stream.
    NotAWriter,
}

impl Ticket {
    fn new(append: &Append) -> Ticket {
        let mut writes: Vec<(Uuid, i64)> = Vec::new();
        for (offset, event) in (0..).zip(&append.events) {
            match writes.iter_mut().find(|(id, _)| *id == event.stream_id) {
                Some((_, last)) => *last = offset,
                None => writes.push((event.stream_id, offset)),
            }
        }
        Ticket(Arc::new(Inner { outcome: OnceLock::new(), told: Notify::new(), writes }))
    }

    /// Resolves when the item is durable or refused.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] when the item can never be stored, [`StoreError::Closed`] and
    /// [`StoreError::LogWentBack`] when the store stopped first.
    pub async fn outcome(&self) -> Result<Outcome, StoreError> {
        loop {
            // Made before looking, so it hears of an outcome that comes meanwhile.
            let told = self.0.told.notified();
            if let Some(outcome) = self.0.outcome.get() {
                return outcome.clone();
            }
            told.await;
        }
    }

    pub(crate) fn standing(&self, stream_id: Uuid) -> Standing {
        if !self.0.writes.iter().any(|(id, _)| *id == stream_id) {
            return Standing::NotAWriter;
        }
        let Some(answer) = self.0.outcome.get() else {
            return Standing::Undecided;
        };
        let place = answer.as_ref().ok().and_then(|outcome| self.place(stream_id, outcome));
        place.map_or(Standing::Refused, Standing::At)
    }

    /// Where the item leaves a stream that it writes, if that is its outcome.
    pub(crate) fn place(&self, stream_id: Uuid, outcome: &Outcome) -> Option<i64> {
        let Outcome::Appended { first, .. } = outcome else {
            return None;
        };
        let (_, offset) = self.0.writes.iter().find(|(id, _)| *id == stream_id)?;
        Some(first + offset)
    }

    pub(crate) fn is(&self, other: &Ticket) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn writes(&self) -> &[(Uuid, i64)] {
        &self.0.writes
    }

    /// Fixes the outcome, and leaves it to [`Ticket::tell`] to wake whoever waits for it.
    pub(crate) fn decide(&self, outcome: Result<Outcome, StoreError>) {
        // Only the first one counts; the second is `Queued`'s farewell.
        let _ = self.0.outcome.set(outcome);
    }

    pub(crate) fn tell(&self) {
        self.0.told.notify_waiters();
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.0.outcome.get()).finish()
    }
}

/// An item in the appender's hands.  However it leaves them, its waiters get an answer.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) append: Append,
    pub(crate) ticket: Ticket,
    /// It was sent before, and what became of it is unknown.
    pub(crate) resent: bool,
}

impl Queued {
    pub(crate) fn new(append: Append) -> Queued {
        let ticket = Ticket::new(&append);
        Queued { append, ticket, resent: false }
    }

    pub(crate) fn answer(&self, outcome: Result<Outcome, StoreError>) {
        self.ticket.decide(outcome);
        self.ticket.tell();
    }

    /// A stream of which another item, still on its way, is the last writer.
    pub(crate) fn awaits(&self) -> Option<(Uuid, &Ticket)> {
        let mut bases = self.append.bases.iter();
        bases.find_map(|(stream, base)| match base {
            Base::Pending(ticket) if ticket.standing(*stream) == Standing::Undecided => {
                Some((*stream, ticket))
            }
            _ => None,
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let events: usize = self.append.events.iter().map(|e| e.payload.len()).sum();
        events + self.append.command.metadata.len()
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.answer(Err(StoreError::Closed));
    }
}
