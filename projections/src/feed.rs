//! The log as all readers of one node share it: each event is read once and decoded at most once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use event_store::{EventStore, RecordedEvent, StoreError};
use tokio::sync::Mutex;

use crate::decoded::{DecodedEvent, Undecodable, decode};

/// The largest number of events that are kept: some seconds of a busy shop, a few megabytes.
const WINDOW_EVENTS_MAX: usize = 4_096;

/// An event as it is stored. It is decoded on the first call of [`LogEntry::decoded`].
#[derive(Debug)]
pub struct LogEntry {
    pub raw: Arc<RecordedEvent>,
    decoded: OnceLock<Result<DecodedEvent, Undecodable>>,
}

impl LogEntry {
    pub fn new(raw: Arc<RecordedEvent>) -> LogEntry {
        LogEntry { raw, decoded: OnceLock::new() }
    }

    pub fn position(&self) -> i64 {
        self.raw.position
    }

    pub fn decoded(&self) -> Result<&DecodedEvent, &Undecodable> {
        self.decoded.get_or_init(|| decode(&self.raw)).as_ref()
    }
}

/// Cheap to clone; all clones share the window.
#[derive(Clone)]
pub struct Feed {
    store: EventStore,
    /// The latest entries that were read, with contiguous positions.
    window: Arc<Mutex<VecDeque<Arc<LogEntry>>>>,
}

impl Feed {
    pub fn new(store: EventStore) -> Feed {
        Feed { store, window: Arc::default() }
    }

    pub fn store(&self) -> &EventStore {
        &self.store
    }

    /// As [`EventStore::wait_for_event_after`].
    pub async fn wait_for_event_after(&self, after: i64, at_most: Duration) {
        self.store.wait_for_event_after(after, at_most).await;
    }

    /// Up to `limit` events after a position, in log order.
    ///
    /// # Errors
    /// As for [`EventStore::read`].
    pub async fn read(&self, after: i64, limit: usize) -> Result<Vec<Arc<LogEntry>>, StoreError> {
        let mut window = self.window.lock().await;
        if let Some(entries) = within(&window, after, limit) {
            return Ok(entries);
        }
        let continues = window.back().is_none_or(|last| last.position() <= after);
        if !continues {
            // This reader is catching up. Readers at the end of the log need not wait for it.
            drop(window);
            return self.fetch(after, limit).await;
        }
        // Other readers at the end wait for the lock meanwhile, and then find the events in the
        // window.
        let entries = self.fetch(after, limit).await?;
        if window.back().is_some_and(|last| last.position() < after) && !entries.is_empty() {
            window.clear();
        }
        window.extend(entries.iter().cloned());
        let surplus = window.len().saturating_sub(WINDOW_EVENTS_MAX);
        window.drain(..surplus);
        Ok(entries)
    }

    async fn fetch(&self, after: i64, limit: usize) -> Result<Vec<Arc<LogEntry>>, StoreError> {
        let events = self.store.read(after, limit).await?;
        Ok(events.into_iter().map(|raw| Arc::new(LogEntry::new(raw))).collect())
    }
}

/// None if the window does not contain the event after this position.
fn within(
    window: &VecDeque<Arc<LogEntry>>,
    after: i64,
    limit: usize,
) -> Option<Vec<Arc<LogEntry>>> {
    let (first, last) = (window.front()?.position(), window.back()?.position());
    if after + 1 < first || after >= last {
        return None;
    }
    let skipped = usize::try_from(after + 1 - first).ok()?;
    Some(window.range(skipped..).take(limit).cloned().collect())
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("store", &self.store).finish_non_exhaustive()
    }
}
