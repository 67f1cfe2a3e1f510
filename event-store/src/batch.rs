//! Which appends may be written with one statement; an append in a batch is called an item.
//!
//! An append enters a batch if each of its expected heads is durable and its stream is not yet
//! written by the batch, or if the expected head is the batch's own last writer of that stream. All
//! others wait for the next batch. So items are always written in the order in which they were
//! decided.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

use crate::heads::KnownHeads;
use crate::pending::PendingHead;
use crate::queued::QueuedAppend;
use crate::{Append, AppendOutcome, ExpectedHead, StoreError};

/// When a batch is full.  One append always fits, however large it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) items: usize,
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// Appends that are written together, in order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<BatchItem>,
    last_writers: HashMap<Uuid, usize>,
    commands: HashSet<Uuid>,
    events: usize,
    bytes: usize,
}

#[derive(Debug)]
pub(crate) struct BatchItem {
    pub(crate) queued: QueuedAppend,
    pub(crate) heads: Vec<(Uuid, HeadInBatch)>,
}

/// Where the statement must find a stream's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadInBatch {
    /// The stream's last event has this position; 0 if the stream does not exist.
    At(i64),
    /// This item of the batch, counted from 0, wrote the stream last.
    WrittenBy(usize),
}

/// What [`Batch::take`] does with an append.
enum Admission {
    Enter(Vec<(Uuid, HeadInBatch)>),
    /// The append enters, but other appends that depend on it do not: one of its streams is known
    /// to have moved, so the statement will refuse it.
    EnterOutdated(Vec<(Uuid, HeadInBatch)>),
    Wait,
    Answer(Result<AppendOutcome, StoreError>),
}

impl Batch {
    /// Takes the appends from `waiting` that may be written together, and answers those that can be
    /// refused without the database.
    pub(crate) fn take(
        waiting: &mut VecDeque<QueuedAppend>,
        heads: &KnownHeads,
        limits: BatchLimits,
    ) -> Batch {
        let mut batch = Batch::default();
        let mut held_back = VecDeque::new();
        while let Some(queued) = waiting.pop_front() {
            if batch.is_full(&queued, limits) {
                waiting.push_front(queued);
                break;
            }
            match batch.admit(&queued.append, heads) {
                Admission::Enter(heads) => batch.enter(queued, heads),
                Admission::EnterOutdated(heads) => batch.push(queued, heads),
                Admission::Wait => held_back.push_back(queued),
                Admission::Answer(outcome) => queued.answer(outcome),
            }
        }
        held_back.append(waiting);
        *waiting = held_back;
        batch
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn is_full(&self, next: &QueuedAppend, limits: BatchLimits) -> bool {
        !self.is_empty()
            && (self.items.len() >= limits.items
                || self.events + next.append.events.len() > limits.events
                || self.bytes + next.bytes() > limits.bytes)
    }

    fn admit(&self, append: &Append, known: &KnownHeads) -> Admission {
        if let Some(stream) = append.first_write_without_expected_head() {
            let reason = format!("it writes stream {stream} without an expected head for it");
            return Admission::Answer(Err(StoreError::Rejected(reason)));
        }
        if self.commands.contains(&append.command.id) {
            return Admission::Wait;
        }
        let mut heads = Vec::with_capacity(append.expected_heads.len());
        let mut is_outdated = false;
        for (stream_id, expected) in &append.expected_heads {
            let stream_id = *stream_id;
            let head = match (self.last_writers.get(&stream_id), expected.resolve(stream_id)) {
                (_, PendingHead::Refused) => {
                    return Admission::Answer(Ok(AppendOutcome::Conflict { stream_id }));
                }
                (_, PendingHead::NotWritten) => {
                    let reason = format!(
                        "it expects the head of stream {stream_id} from an append that does not write it"
                    );
                    return Admission::Answer(Err(StoreError::Rejected(reason)));
                }
                (Some(&writer), PendingHead::Undecided) if self.is_item(writer, expected) => {
                    HeadInBatch::WrittenBy(writer)
                }
                (Some(_), _) | (None, PendingHead::Undecided) => return Admission::Wait,
                (None, PendingHead::Durable(position)) => {
                    is_outdated |= known.is_past(stream_id, position);
                    HeadInBatch::At(position)
                }
            };
            heads.push((stream_id, head));
        }
        if is_outdated { Admission::EnterOutdated(heads) } else { Admission::Enter(heads) }
    }

    /// Whether the expected head is the append at this index of the batch.
    fn is_item(&self, index: usize, expected: &ExpectedHead) -> bool {
        let item = &self.items[index].queued;
        matches!(expected, ExpectedHead::Pending(pending) if item.pending.is_same(pending))
    }

    fn enter(&mut self, queued: QueuedAppend, heads: Vec<(Uuid, HeadInBatch)>) {
        for (stream_id, _) in queued.pending.writes() {
            self.last_writers.insert(*stream_id, self.items.len());
        }
        self.push(queued, heads);
    }

    fn push(&mut self, queued: QueuedAppend, heads: Vec<(Uuid, HeadInBatch)>) {
        self.commands.insert(queued.append.command.id);
        self.events += queued.append.events.len();
        self.bytes += queued.bytes();
        self.items.push(BatchItem { queued, heads });
    }
}

impl BatchItem {
    /// The heads of the streams that the item was decided on or has written, as far as they are
    /// known once it was written with this outcome. A stream that it has written comes last.
    pub(crate) fn heads_after(&self, outcome: &AppendOutcome) -> Vec<(Uuid, i64)> {
        if !matches!(outcome, AppendOutcome::Appended { .. } | AppendOutcome::Confirmed) {
            return Vec::new();
        }
        let found = self.heads.iter().filter_map(|(stream_id, head)| match head {
            HeadInBatch::At(position) => Some((*stream_id, *position)),
            HeadInBatch::WrittenBy(_) => None,
        });
        let pending = &self.queued.pending;
        let written = pending.writes().iter().filter_map(|(stream_id, _)| {
            pending.head_after(*stream_id, outcome).map(|head| (*stream_id, head))
        });
        found.chain(written).collect()
    }
}

impl Append {
    fn first_write_without_expected_head(&self) -> Option<Uuid> {
        let mut written = self.events.iter().map(|event| event.stream_id);
        written.find(|stream| !self.expected_heads.iter().any(|(named, _)| named == stream))
    }
}

impl ExpectedHead {
    fn resolve(&self, stream_id: Uuid) -> PendingHead {
        match self {
            ExpectedHead::Durable(position) => PendingHead::Durable(*position),
            ExpectedHead::Pending(pending) => pending.head_of(stream_id),
        }
    }
}

#[cfg(test)]
mod tests;
