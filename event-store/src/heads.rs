//! The streams' heads as the appender left or found them, known without asking Postgres.
//!
//! If the log still ends where the appender left it, no other node has written, so all of this holds and
//! nothing has to be looked up. If another node has written, a stream's head may have moved on, but it
//! cannot be before the known one.

use std::collections::HashMap;

use uuid::Uuid;

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

    /// Learns the heads of a batch that was sent once and written to a log that ended at `before` and now
    /// ends at `after`. Of two heads of one stream the last one counts.
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
