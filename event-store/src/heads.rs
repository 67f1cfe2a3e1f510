//! The streams' heads as the appender left or found them, known without asking Postgres.
//!
//! If the log still ends where the appender left it, no other node has written, so all of this holds and
//! nothing has to be looked up. If another node has written, a stream's head may have moved on, but it
//! cannot be before the known one.

use std::collections::HashMap;

use uuid::Uuid;

use crate::AppendOutcome;
use crate::batch::{BatchItem, HeadInBatch};

/// The most streams remembered, plus those of one batch: a few megabytes.
const STREAMS_MAX: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct KnownHeads {
    /// Each stream's last position in the log that ends at `log`; 0 if the stream does not exist.
    streams: HashMap<Uuid, i64>,
    log: Option<i64>,
}

impl KnownHeads {
    /// Where the log ends, unless another node has written since.
    pub(crate) fn log(&self) -> Option<i64> {
        self.log
    }

    /// Whether the stream's head is at this position, unless another node has written since.
    pub(crate) fn is_at(&self, stream_id: Uuid, position: i64) -> bool {
        self.streams.get(&stream_id) == Some(&position)
    }

    /// Whether the stream's head is past this position, whoever has written since.
    pub(crate) fn is_past(&self, stream_id: Uuid, position: i64) -> bool {
        self.streams.get(&stream_id).is_some_and(|head| *head > position)
    }

    /// Forgets everything; needed after a lost connection, because the next one may lead to another server.
    pub(crate) fn clear(&mut self) {
        *self = KnownHeads::default();
    }

    /// Learns from a batch that was sent once and written to a log that ended at `before` and now ends at
    /// `after`.
    pub(crate) fn learn<'b>(
        &mut self,
        before: i64,
        after: i64,
        written: impl Iterator<Item = (&'b BatchItem, &'b AppendOutcome)>,
    ) {
        if self.log != Some(before) || self.streams.len() > STREAMS_MAX {
            self.streams.clear();
        }
        self.log = Some(after);
        for (item, outcome) in written {
            if !matches!(outcome, AppendOutcome::Appended { .. } | AppendOutcome::Confirmed) {
                continue;
            }
            for (stream_id, head) in &item.heads {
                if let HeadInBatch::At(position) = head {
                    self.streams.insert(*stream_id, *position);
                }
            }
            let pending = &item.queued.pending;
            for (stream_id, _) in pending.writes() {
                let head = pending.head_after(*stream_id, outcome);
                self.streams.extend(head.map(|head| (*stream_id, head)));
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn with(stream_id: Uuid, position: i64) -> KnownHeads {
        KnownHeads { streams: HashMap::from([(stream_id, position)]), log: None }
    }
}
