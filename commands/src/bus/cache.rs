//! The streams whose states this node keeps in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Event, State, StreamId};
use event_store::{ExpectedHead, LoadedStream, RecordedEvent, Snapshot};
use quick_cache::sync::Cache as QuickCache;

use super::streams::Streams;
use crate::CommandError;

/// A snapshot of a stream is due when it has grown by so many events since the last one.
const EVENTS_BETWEEN_SNAPSHOTS: i32 = 500;

/// Holds a bounded number of streams; one that was dropped is loaded again.
pub(super) struct Cache(QuickCache<StreamId, Arc<CachedStream>>);

/// One stream's present state. Its lock is held while commands are decided, never across an await.
pub(super) struct CachedStream {
    pub(super) stream: StreamId,
    state: Mutex<StreamState>,
}

/// The state of a stream, and what the next decision on it rests on.
#[derive(Clone)]
pub(super) struct StreamState {
    pub(super) state: State,
    /// The version of the last event in the state, durable or not; 0 if there is none.
    pub(super) version: i32,
    /// The last event in the state, durable or pending.
    pub(super) head: ExpectedHead,
    /// The version up to which a snapshot was taken or asked for.
    snapshot_version: i32,
    /// The state may contain an event that the log refused, or lack one that the log has. Whoever
    /// finds it so gets the stream from the cache again.
    pub(super) is_invalidated: bool,
}

impl StreamState {
    pub(super) fn absent(stream: StreamId) -> StreamState {
        StreamState::new(State::absent(stream.kind), 0, 0)
    }

    fn new(state: State, version: i32, position: i64) -> StreamState {
        let head = ExpectedHead::Durable(position);
        StreamState { state, version, head, snapshot_version: version, is_invalidated: false }
    }

    /// The stream as it was loaded, or `None` if its snapshot cannot be read after all.
    pub(super) fn restore(
        stream: StreamId,
        loaded: LoadedStream,
    ) -> Result<Option<StreamState>, CommandError> {
        let mut restored = match loaded.snapshot {
            None => StreamState::absent(stream),
            Some(Snapshot { version, position, state }) => match serde_json::from_str(&state) {
                Ok(state) => StreamState::new(state, version, position),
                Err(error) => {
                    tracing::warn!(
                        %stream, version, %error,
                        "a snapshot cannot be read; the stream is folded from its first event"
                    );
                    return Ok(None);
                }
            },
        };
        restored.catch_up(stream, &loaded.events)?;
        Ok(Some(restored))
    }

    /// Applies the events that the log has after this state's version.
    pub(super) fn catch_up<'e>(
        &mut self,
        stream: StreamId,
        events: impl IntoIterator<Item = &'e RecordedEvent>,
    ) -> Result<(), CommandError> {
        for recorded in events {
            let event = Event::decode(stream.kind, &recorded.payload).map_err(|error| {
                let reason = format!("position {}: {error}", recorded.position);
                CommandError::Corrupt { stream, reason }
            })?;
            self.state.apply(event);
            self.version = recorded.version;
            self.head = ExpectedHead::Durable(recorded.position);
        }
        Ok(())
    }

    /// Whether a snapshot is due. Answers `true` once per snapshot: the caller has to ask for it.
    pub(super) fn take_snapshot_due(&mut self) -> bool {
        let is_due = self.version - self.snapshot_version >= EVENTS_BETWEEN_SNAPSHOTS;
        if is_due {
            self.snapshot_version = self.version;
        }
        is_due
    }
}

impl CachedStream {
    fn new(stream: StreamId, state: StreamState) -> Arc<CachedStream> {
        Arc::new(CachedStream { stream, state: Mutex::new(state) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, StreamState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    pub(super) fn new(streams_max: usize) -> Cache {
        Cache(QuickCache::new(streams_max))
    }

    /// The cached stream; one that is missing is loaded once, however many commands wait for it.
    /// Without `streams` to load it from, a missing stream is taken for absent from the log.
    pub(super) async fn get(
        &self,
        streams: Option<&Streams>,
        stream: StreamId,
    ) -> Result<Arc<CachedStream>, CommandError> {
        loop {
            let load = async {
                let state = match streams {
                    Some(streams) => streams.load(stream).await?,
                    None => StreamState::absent(stream),
                };
                Ok(CachedStream::new(stream, state))
            };
            let cached: Result<_, CommandError> = self.0.get_or_insert_async(&stream, load).await;
            let cached = cached?;
            if self.is_current(&cached) {
                return Ok(cached);
            }
            tokio::task::yield_now().await;
        }
    }

    /// A command that waits for a stream gets it before the cache holds it. If that command
    /// invalidates it at once, there is nothing to remove yet, and the cache would hand out an
    /// invalidated stream for ever. So it is checked, and removed, whenever it is handed out.
    fn is_current(&self, cached: &Arc<CachedStream>) -> bool {
        let is_invalidated = cached.lock().is_invalidated;
        if is_invalidated {
            self.invalidate(cached);
        }
        !is_invalidated
    }

    pub(super) fn put(&self, stream: StreamId, state: StreamState) -> Arc<CachedStream> {
        let cached = CachedStream::new(stream, state);
        self.0.insert(stream, cached.clone());
        cached
    }

    /// Makes every command load the stream again.
    pub(super) fn invalidate(&self, cached: &Arc<CachedStream>) {
        cached.lock().is_invalidated = true;
        self.0.remove_if(&cached.stream, |held| Arc::ptr_eq(held, cached));
    }
}

#[cfg(test)]
mod tests {
    use domain::{CartId, StreamId};
    use uuid::Uuid;

    use super::{Cache, StreamState};

    fn cart() -> StreamId {
        CartId(Uuid::from_u128(1)).stream()
    }

    #[test]
    fn a_stream_that_was_invalidated_before_the_cache_held_it_is_not_handed_out() {
        let cache = Cache::new(10);
        let invalidated = StreamState { is_invalidated: true, ..StreamState::absent(cart()) };
        let cached = cache.put(cart(), invalidated);
        assert!(!cache.is_current(&cached));
        assert!(cache.0.get(&cart()).is_none());
        assert!(cache.is_current(&cache.put(cart(), StreamState::absent(cart()))));
    }
}
