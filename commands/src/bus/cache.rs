//! The hot aggregates of this node.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Event, State, StreamId};
use event_store::{Base, EventStore, RecordedEvent};
use quick_cache::sync::Cache as Entries;

use crate::CommandError;

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
    pub(super) base: Base,
    /// It holds, or may hold, what the log has refused or lacks what the log has. Whoever finds it so
    /// asks the cache again.
    pub(super) retired: bool,
}

impl Slot {
    pub(super) fn absent(stream: StreamId) -> Slot {
        let state = State::absent(stream.kind);
        Slot { state, version: 0, base: Base::Durable(0), retired: false }
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
            self.base = Base::Durable(recorded.position);
        }
        Ok(())
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

    /// The entry of a stream, loaded once however many ask.
    pub(super) async fn get(
        &self,
        store: &EventStore,
        stream: StreamId,
    ) -> Result<Arc<Entry>, CommandError> {
        self.0.get_or_insert_async(&stream, load(store, stream)).await
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

async fn load(store: &EventStore, stream: StreamId) -> Result<Arc<Entry>, CommandError> {
    Ok(Entry::new(stream, fold(store, stream).await?))
}

/// A stream's durable state.
pub(super) async fn fold(store: &EventStore, stream: StreamId) -> Result<Slot, CommandError> {
    let events = store.load(stream.id, 0).await?;
    let mut slot = Slot::absent(stream);
    slot.catch_up(stream, &events)?;
    Ok(slot)
}
