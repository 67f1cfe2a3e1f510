//! The hot aggregates of this node.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Event, State, StreamId};
use event_store::{ExpectedHead, LoadedStream, RecordedEvent, Snapshot};
use quick_cache::sync::Cache as Entries;

use super::streams::Streams;
use crate::CommandError;

/// A stream is due for a snapshot when it has grown by so many events since the last.
const EVENTS_BETWEEN_SNAPSHOTS: i32 = 500;

/// Bounded; what was dropped is loaded again.
pub(super) struct Cache(Entries<StreamId, Arc<Entry>>);

/// One stream's present state. Its lock is held while commands are decided, never across an await.
pub(super) struct Entry {
    pub(super) stream: StreamId,
    slot: Mutex<Slot>,
}

/// A state, and what the next decision on it rests on.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) state: State,
    /// Of the last event folded in, durable or not; 0 when there is none.
    pub(super) version: i32,
    pub(super) base: ExpectedHead,
    /// The version up to which a snapshot was taken or asked for.
    snapshot: i32,
    /// It holds, or may hold, what the log has refused or lacks what the log has. Whoever finds it so
    /// asks the cache again.
    pub(super) retired: bool,
}

impl Slot {
    pub(super) fn absent(stream: StreamId) -> Slot {
        Slot::new(State::absent(stream.kind), 0, 0)
    }

    fn new(state: State, version: i32, position: i64) -> Slot {
        Slot {
            state,
            version,
            base: ExpectedHead::Durable(position),
            snapshot: version,
            retired: false,
        }
    }

    /// The stream as it was loaded; nothing when its snapshot cannot be read after all.
    pub(super) fn restore(
        stream: StreamId,
        loaded: LoadedStream,
    ) -> Result<Option<Slot>, CommandError> {
        let mut slot = match loaded.snapshot {
            None => Slot::absent(stream),
            Some(Snapshot { version, position, state }) => match serde_json::from_str(&state) {
                Ok(state) => Slot::new(state, version, position),
                Err(error) => {
                    tracing::warn!(%stream, version, %error, "an unreadable snapshot is ignored");
                    return Ok(None);
                }
            },
        };
        slot.catch_up(stream, &loaded.events)?;
        Ok(Some(slot))
    }

    /// Folds what the log holds of the stream after this slot's version.
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
            self.base = ExpectedHead::Durable(recorded.position);
        }
        Ok(())
    }

    /// Whether a snapshot should be asked for; true once for each.
    pub(super) fn comes_due(&mut self) -> bool {
        let due = self.version - self.snapshot >= EVENTS_BETWEEN_SNAPSHOTS;
        if due {
            self.snapshot = self.version;
        }
        due
    }
}

impl Entry {
    fn new(stream: StreamId, slot: Slot) -> Arc<Entry> {
        Arc::new(Entry { stream, slot: Mutex::new(slot) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    pub(super) fn new(entries: usize) -> Cache {
        Cache(Entries::new(entries))
    }

    /// The entry of a stream, loaded once however many ask. Where there is nothing to load it from, a
    /// stream without an entry is taken for absent.
    pub(super) async fn get(
        &self,
        streams: Option<&Streams>,
        stream: StreamId,
    ) -> Result<Arc<Entry>, CommandError> {
        loop {
            let load = async {
                let slot = match streams {
                    Some(streams) => streams.load(stream).await?,
                    None => Slot::absent(stream),
                };
                Ok(Entry::new(stream, slot))
            };
            let entry: Result<_, CommandError> = self.0.get_or_insert_async(&stream, load).await;
            let entry = entry?;
            if self.is_current(&entry) {
                return Ok(entry);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whoever waits for an entry may have it, and retire it, before it is to be found in the cache:
    /// then nobody could remove it, and everybody would be given it for ever.
    fn is_current(&self, entry: &Arc<Entry>) -> bool {
        let is_retired = entry.lock().retired;
        if is_retired {
            self.retire(entry);
        }
        !is_retired
    }

    pub(super) fn put(&self, stream: StreamId, slot: Slot) -> Arc<Entry> {
        let entry = Entry::new(stream, slot);
        self.0.insert(stream, entry.clone());
        entry
    }

    /// Makes everybody load the stream again.
    pub(super) fn retire(&self, entry: &Arc<Entry>) {
        entry.lock().retired = true;
        self.0.remove_if(&entry.stream, |held| Arc::ptr_eq(held, entry));
    }
}

#[cfg(test)]
mod tests {
    use domain::{CartId, StreamId};
    use uuid::Uuid;

    use super::{Cache, Slot};

    fn cart() -> StreamId {
        CartId(Uuid::from_u128(1)).stream()
    }

    #[test]
    fn an_entry_that_was_retired_before_it_was_to_be_found_is_given_to_nobody() {
        let cache = Cache::new(10);
        let entry = cache.put(cart(), Slot { retired: true, ..Slot::absent(cart()) });
        assert!(!cache.is_current(&entry));
        assert!(cache.0.get(&cart()).is_none());
        assert!(cache.is_current(&cache.put(cart(), Slot::absent(cart()))));
    }
}
