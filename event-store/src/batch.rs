//! Which items may be written with one statement.
//!
//! An item enters a batch when each of its bases is durable and untouched by the batch so far, or is
//! the batch's own last writer of that stream.  Everything else waits for the next batch, so that the
//! statement never sees an order it would have to doubt.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

use crate::heads::Heads;
use crate::ticket::{Queued, Standing};
use crate::{Append, Base, Outcome, StoreError};

/// When a batch is full.  One item always fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) items: usize,
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// Items that are written together, in order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    last_writers: HashMap<Uuid, usize>,
    commands: HashSet<Uuid>,
    events: usize,
    bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) queued: Queued,
    pub(crate) bases: Vec<(Uuid, Basis)>,
}

/// What the statement has to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// The stream's last event is at this position; 0: there is no such stream.
    At(i64),
    /// The stream was last written by this item of the batch, counted from 0.
    After(usize),
}

enum Admission {
    Enters(Vec<(Uuid, Basis)>),
    /// It enters, but a stream of it is known to have moved on: the statement will refuse it, so nothing
    /// can be decided on it.
    Doomed(Vec<(Uuid, Basis)>),
    Waits,
    Refused(Result<Outcome, StoreError>),
}

impl Batch {
    /// Takes from `waiting` whatever may go together and answers what needs no database.
    pub(crate) fn take(waiting: &mut VecDeque<Queued>, heads: &Heads, limits: Limits) -> Batch {
        let mut batch = Batch::default();
        let mut held = VecDeque::new();
        while let Some(queued) = waiting.pop_front() {
            if batch.is_full(&queued, limits) {
                waiting.push_front(queued);
                break;
            }
            match batch.admit(&queued.append, heads) {
                Admission::Enters(bases) => batch.enter(queued, bases),
                Admission::Doomed(bases) => batch.push(queued, bases),
                Admission::Waits => held.push_back(queued),
                Admission::Refused(outcome) => queued.answer(outcome),
            }
        }
        held.append(waiting);
        *waiting = held;
        batch
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn is_full(&self, next: &Queued, limits: Limits) -> bool {
        !self.is_empty()
            && (self.items.len() >= limits.items
                || self.events + next.append.events.len() > limits.events
                || self.bytes + next.bytes() > limits.bytes)
    }

    fn admit(&self, append: &Append, heads: &Heads) -> Admission {
        if let Some(stream) = append.writes_unnamed() {
            let reason = format!("it writes stream {stream} without saying what it was decided on");
            return Admission::Refused(Err(StoreError::Rejected(reason)));
        }
        if self.commands.contains(&append.command.id) {
            return Admission::Waits;
        }
        let mut bases = Vec::with_capacity(append.bases.len());
        let mut doomed = false;
        for (stream_id, base) in &append.bases {
            let stream_id = *stream_id;
            let basis = match (self.last_writers.get(&stream_id), base.standing(stream_id)) {
                (_, Standing::Refused) => {
                    return Admission::Refused(Ok(Outcome::Conflict { stream_id }));
                }
                (_, Standing::NotAWriter) => {
                    let reason = format!("it was decided on an item that never wrote {stream_id}");
                    return Admission::Refused(Err(StoreError::Rejected(reason)));
                }
                (Some(&writer), Standing::Undecided) if self.wrote(writer, base) => {
                    Basis::After(writer)
                }
                (Some(_), _) | (None, Standing::Undecided) => return Admission::Waits,
                (None, Standing::At(position)) => {
                    doomed |= heads.is_past(stream_id, position);
                    Basis::At(position)
                }
            };
            bases.push((stream_id, basis));
        }
        match doomed {
            true => Admission::Doomed(bases),
            false => Admission::Enters(bases),
        }
    }

    fn wrote(&self, writer: usize, base: &Base) -> bool {
        matches!(base, Base::Pending(ticket) if self.items[writer].queued.ticket.is(ticket))
    }

    fn enter(&mut self, queued: Queued, bases: Vec<(Uuid, Basis)>) {
        for (stream_id, _) in queued.ticket.writes() {
            self.last_writers.insert(*stream_id, self.items.len());
        }
        self.push(queued, bases);
    }

    fn push(&mut self, queued: Queued, bases: Vec<(Uuid, Basis)>) {
        self.commands.insert(queued.append.command.id);
        self.events += queued.append.events.len();
        self.bytes += queued.bytes();
        self.items.push(Item { queued, bases });
    }
}

impl Append {
    fn writes_unnamed(&self) -> Option<Uuid> {
        let mut written = self.events.iter().map(|event| event.stream_id);
        written.find(|stream| !self.bases.iter().any(|(named, _)| named == stream))
    }
}

impl Base {
    fn standing(&self, stream_id: Uuid) -> Standing {
        match self {
            Base::Durable(position) => Standing::At(*position),
            Base::Pending(ticket) => ticket.standing(stream_id),
        }
    }
}

#[cfg(test)]
mod tests;
