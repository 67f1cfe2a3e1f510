//! Loading streams, and the snapshots that spare the next load the fold from the first event.
//!
//! Snapshots are taken by a task of their own, of what the log has by then: nobody waits for one, and
//! one that fails is only a slower load.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{State, StreamId};
use event_store::{EventStore, ExpectedHead, Snapshot, SnapshotKey};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cache::Slot;
use crate::CommandError;

/// Streams that may wait for their snapshot; what finds no room is asked for again.
const WAITING_MAX: usize = 256;

#[derive(Clone)]
pub(super) struct Streams {
    store: EventStore,
    queue: mpsc::Sender<StreamId>,
    waiting: Waiting,
    closing: CancellationToken,
}

/// What is in the queue, so that nothing is in it twice.
type Waiting = Arc<Mutex<HashSet<StreamId>>>;

impl Streams {
    pub(super) fn start(store: EventStore, tasks: &TaskTracker) -> Streams {
        let (queue, asked) = mpsc::channel(WAITING_MAX);
        let (waiting, closing) = (Waiting::default(), CancellationToken::new());
        tasks.spawn(take_snapshots(store.clone(), asked, waiting.clone(), closing.clone()));
        Streams { store, queue, waiting, closing }
    }

    pub(super) fn store(&self) -> &EventStore {
        &self.store
    }

    /// No more snapshots are taken.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// A stream's durable state.
    pub(super) async fn load(&self, stream: StreamId) -> Result<Slot, CommandError> {
        let mut slot = load(&self.store, stream).await?;
        if slot.comes_due() {
            self.ask_for_snapshot(stream);
        }
        Ok(slot)
    }

    /// The durable states of several streams, in one round trip.
    pub(super) async fn load_all(&self, streams: &[StreamId]) -> Result<Vec<Slot>, CommandError> {
        let wanted: Vec<_> = streams.iter().copied().map(wanted).collect();
        let all = self.store.load_from_snapshots(&wanted).await?;
        let mut slots = Vec::with_capacity(streams.len());
        for (stream, loaded) in streams.iter().zip(all) {
            slots.push(match Slot::restore(*stream, loaded)? {
                Some(slot) => slot,
                None => fold(&self.store, *stream).await?,
            });
        }
        Ok(slots)
    }

    /// Never waits.
    pub(super) fn ask_for_snapshot(&self, stream: StreamId) {
        let mut waiting = lock(&self.waiting);
        if waiting.insert(stream) && self.queue.try_send(stream).is_err() {
            waiting.remove(&stream);
        }
    }
}

/// Which snapshots of a stream this program understands.
pub(super) fn wanted(stream: StreamId) -> SnapshotKey {
    SnapshotKey { stream_id: stream.id, schema: State::schema(stream.kind) }
}

async fn load(store: &EventStore, stream: StreamId) -> Result<Slot, CommandError> {
    let loaded = store.load_from_snapshots(&[wanted(stream)]).await?.pop().unwrap_or_default();
    match Slot::restore(stream, loaded)? {
        Some(slot) => Ok(slot),
        None => fold(store, stream).await,
    }
}

/// From the first event on.
async fn fold(store: &EventStore, stream: StreamId) -> Result<Slot, CommandError> {
    let mut slot = Slot::absent(stream);
    slot.catch_up(stream, &store.load(stream.id, 0).await?)?;
    Ok(slot)
}

/// Ends when told to, or when nobody is left who could ask.
async fn take_snapshots(
    store: EventStore,
    mut asked: mpsc::Receiver<StreamId>,
    waiting: Waiting,
    closing: CancellationToken,
) {
    while let Some(Some(stream)) = closing.run_until_cancelled(asked.recv()).await {
        lock(&waiting).remove(&stream);
        if let Some(Err(error)) = closing.run_until_cancelled(take_snapshot(&store, stream)).await {
            tracing::warn!(%stream, %error, "no snapshot was taken");
        }
    }
}

/// Of what the log has, never of what is on its way there.
async fn take_snapshot(store: &EventStore, stream: StreamId) -> Result<(), CommandError> {
    let mut slot = load(store, stream).await?;
    let ExpectedHead::Durable(position) = slot.base else { return Ok(()) };
    if !slot.comes_due() {
        // Somebody else has taken it, maybe on another node.
        return Ok(());
    }
    let corrupt =
        |error: serde_json::Error| CommandError::Corrupt { stream, reason: error.to_string() };
    let state = serde_json::to_string(&slot.state).map_err(corrupt)?;
    let snapshot = Snapshot { version: slot.version, position, state };
    Ok(store.save_snapshot(stream.kind.as_str(), wanted(stream), &snapshot).await?)
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashSet<StreamId>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
