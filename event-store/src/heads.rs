//! The heads of streams that the appender wrote or read last, so that Postgres need not look them
//! up.
//!
//! If the log still ends where the appender left it, no other node has written, so all known heads
//! are current. If another node has written, a stream's head may have moved on, but it cannot be
//! before the known one.

use std::collections::HashMap;

use uuid::Uuid;

/// The largest number of streams remembered, plus those of one batch; this takes a few megabytes.
const STREAMS_MAX: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct KnownHeads {
    /// The position of each stream's head, in the log that ends at `log`; 0 if the stream does not
    /// exist.
    streams: HashMap<Uuid, i64>,
    log: Option<i64>,
}

impl KnownHeads {
    /// The log's last position, unless another node has written since.
    pub(crate) fn log(&self) -> Option<i64> {
        self.log
    }

    /// Whether the stream's head is at this position, unless another node has written since.
    pub(crate) fn is_at(&self, stream_id: Uuid, position: i64) -> bool {
        self.streams.get(&stream_id) == Some(&position)
    }

    /// Whether the stream's head is past this position; true also if another node has written
    /// since.
    pub(crate) fn is_past(&self, stream_id: Uuid, position: i64) -> bool {
        self.streams.get(&stream_id).is_some_and(|head| *head > position)
    }

    /// Forgets everything. Called after a lost connection, since the next one may lead to another
    /// server.
    pub(crate) fn clear(&mut self) {
        *self = KnownHeads::default();
    }

    /// Stores the heads of a batch that was sent once. The log ended at `before` and ends at
    /// `after` now. If the batch has two heads of one stream, the last one is stored.
    pub(crate) fn learn(
        &mut self,
        before: i64,
        after: i64,
        heads: impl IntoIterator<Item = (Uuid, i64)>,
    ) {
        if self.log != Some(before) || self.streams.len() > STREAMS_MAX {
            self.streams.clear();
        }
        self.log = Some(after);
        self.streams.extend(heads);
    }

    #[cfg(test)]
    pub(crate) fn with(stream_id: Uuid, position: i64) -> KnownHeads {
        KnownHeads { streams: HashMap::from([(stream_id, position)]), log: None }
    }
}
