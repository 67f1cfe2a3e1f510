//! What the appender knows of streams without asking: where it left them, or found them.
//!
//! A log that ends where the appender left it was written by nobody else, so all of it still holds and
//! needs no look-up. A log that goes on is somebody else's work: then it only holds that a stream is
//! no longer before the position known.

use std::collections::HashMap;

use uuid::Uuid;

use crate::Outcome;
use crate::batch::{Basis, Item};

/// The most streams remembered, plus a batch: a few megabytes.
const STREAMS_MAX: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct Heads {
    /// Each stream's last position in the log that ends at `log`; 0: there was no such stream.
    streams: HashMap<Uuid, i64>,
    log: Option<i64>,
}

impl Heads {
    /// Where the log ends if nobody else has written since.
    pub(crate) fn log(&self) -> Option<i64> {
        self.log
    }

    /// The stream is at this position, if nobody else has written since.
    pub(crate) fn is_at(&self, stream_id: Uuid, position: i64) -> bool {
        self.streams.get(&stream_id) == Some(&position)
    }

    /// The stream is past this position, whoever has written since.
    pub(crate) fn is_past(&self, stream_id: Uuid, position: i64) -> bool {
        self.streams.get(&stream_id).is_some_and(|head| *head > position)
    }

    /// As after a lost connection: the next one may lead to another server.
    pub(crate) fn forget(&mut self) {
        *self = Heads::default();
    }

    /// Takes in a batch that was sent once, in its order, and written to a log that ended at `before`
    /// and ends at `after`.
    pub(crate) fn learn<'b>(
        &mut self,
        before: i64,
        after: i64,
        written: impl Iterator<Item = (&'b Item, &'b Outcome)>,
    ) {
        if self.log != Some(before) || self.streams.len() > STREAMS_MAX {
            self.streams.clear();
        }
        self.log = Some(after);
        for (item, outcome) in written {
            if !matches!(outcome, Outcome::Appended { .. } | Outcome::Confirmed) {
                continue;
            }
            for (stream_id, basis) in &item.bases {
                if let Basis::At(position) = basis {
                    self.streams.insert(*stream_id, *position);
                }
            }
            let ticket = &item.queued.ticket;
            for (stream_id, _) in ticket.writes() {
                let place = ticket.place(*stream_id, outcome);
                self.streams.extend(place.map(|place| (*stream_id, place)));
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn with(stream_id: Uuid, position: i64) -> Heads {
        Heads { streams: HashMap::from([(stream_id, position)]), log: None }
    }
}
