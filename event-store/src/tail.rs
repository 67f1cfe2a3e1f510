//! The latest events of the log in memory, so that readers on the node that wrote them need not
//! query Postgres.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::RecordedEvent;

/// Events without a hole between them; never more than its capacity.
#[derive(Debug)]
pub(crate) struct Tail {
    events: Mutex<VecDeque<Arc<RecordedEvent>>>,
    capacity: usize,
}

impl Tail {
    pub(crate) fn new(capacity: usize) -> Tail {
        Tail { events: Mutex::new(VecDeque::new()), capacity }
    }

    /// Adds a committed event. If another node wrote between it and the last one, the tail is
    /// emptied first. An event older than the tail's end is ignored: readers get it from Postgres.
    pub(crate) fn push(&self, event: RecordedEvent) {
        let mut events = self.lock();
        if let Some(last) = events.back() {
            if event.position <= last.position {
                return;
            }
            if event.position != last.position + 1 {
                events.clear();
            }
        }
        if events.len() >= self.capacity {
            events.pop_front();
        }
        events.push_back(Arc::new(event));
    }

    /// Up to `limit` events after a position. `None` if the tail has no event right after it:
    /// earlier events, and those that other nodes wrote since, are only in Postgres.
    pub(crate) fn after(&self, after: i64, limit: usize) -> Option<Vec<Arc<RecordedEvent>>> {
        let events = self.lock();
        let first = events.front()?.position;
        let last = events.back()?.position;
        if after + 1 < first || after >= last {
            return None;
        }
        let skipped = (after + 1 - first) as usize;
        Some(events.iter().skip(skipped).take(limit).cloned().collect())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<RecordedEvent>>> {
        // A push that panics leaves the deque intact.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
