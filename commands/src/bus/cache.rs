//! The streams whose states this node keeps in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::StreamId;
use quick_cache::sync::Cache as QuickCache;

use super::stream_state::StreamState;
use super::streams::Streams;
use crate::CommandError;

/// Holds a bounded number of streams; one that was dropped is loaded again.
pub(super) struct Cache(QuickCache<StreamId, Arc<CachedStream>>);

/// The current state of one stream. Its lock is held while commands are decided, never across an
/// await.
pub(super) struct CachedStream {
    pub(super) stream: StreamId,
    state: Mutex<StreamState>,
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

    /// The cached stream; a missing one is loaded once, however many commands wait for it. Without
    /// `streams`, a missing stream is assumed to be absent from the log.
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
    /// invalidates it at once, the cache has nothing to remove yet, and would return an invalidated
    /// stream for ever. So each stream is checked, and removed if it is invalidated, before it is
    /// returned.
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
        let mut invalidated = StreamState::absent(cart());
        invalidated.is_invalidated = true;
        let cached = cache.put(cart(), invalidated);
        assert!(!cache.is_current(&cached));
        assert!(cache.0.get(&cart()).is_none());
        assert!(cache.is_current(&cache.put(cart(), StreamState::absent(cart()))));
    }
}
