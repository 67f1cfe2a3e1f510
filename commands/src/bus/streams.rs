//! Loads streams, and takes snapshots, so that the next load need not fold from the first event.
//!
//! A task of its own takes the snapshots, so no command waits for one. A snapshot has only durable
//! events. If one cannot be taken, the next load is slower; nothing else is lost.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{State, StreamId};
use event_store::{EventStore, ExpectedHead, Snapshot, SnapshotKey};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::stream_state::StreamState;
use crate::CommandError;

/// The largest number of streams that wait for their snapshot. If the queue is full, the snapshot
/// is requested again later.
const QUEUED_MAX: usize = 256;

#[derive(Clone)]
pub(super) struct Streams {
    store: EventStore,
    queue: mpsc::Sender<StreamId>,
    queued: QueuedStreams,
    closing: CancellationToken,
}

/// The streams in the queue, so that none is in it twice.
type QueuedStreams = Arc<Mutex<HashSet<StreamId>>>;

impl Streams {
    pub(super) fn start(store: EventStore, tasks: &TaskTracker) -> Streams {
        let (queue, requests) = mpsc::channel(QUEUED_MAX);
        let (queued, closing) = (QueuedStreams::default(), CancellationToken::new());
        tasks.spawn(take_snapshots(store.clone(), requests, queued.clone(), closing.clone()));
        Streams { store, queue, queued, closing }
    }

    pub(super) fn store(&self) -> &EventStore {
        &self.store
    }

    /// Takes no more snapshots.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Loads a stream's durable state.
    pub(super) async fn load(&self, stream: StreamId) -> Result<StreamState, CommandError> {
        let mut state = load(&self.store, stream).await?;
        if state.take_snapshot_due() {
            self.ask_for_snapshot(stream);
        }
        Ok(state)
    }

    /// Loads the durable states of several streams in one round trip, in the order asked for.
    pub(super) async fn load_all(
        &self,
        streams: &[StreamId],
    ) -> Result<Vec<StreamState>, CommandError> {
        let wanted: Vec<_> = streams.iter().copied().map(snapshot_key).collect();
        let all = self.store.load_from_snapshots(&wanted).await?;
        let mut states = Vec::with_capacity(streams.len());
        for (stream, loaded) in streams.iter().zip(all) {
            states.push(match StreamState::restore(*stream, loaded)? {
                Some(state) => state,
                None => fold(&self.store, *stream).await?,
            });
        }
        Ok(states)
    }

    /// Never waits: if the queue is full, the snapshot is skipped this time.
    pub(super) fn ask_for_snapshot(&self, stream: StreamId) {
        let mut queued = lock(&self.queued);
        if queued.insert(stream) && self.queue.try_send(stream).is_err() {
            queued.remove(&stream);
        }
    }
}

/// The key of the snapshots that this program can read, for a stream.
pub(super) fn snapshot_key(stream: StreamId) -> SnapshotKey {
    SnapshotKey { stream_id: stream.id, schema: State::schema(stream.kind) }
}

async fn load(store: &EventStore, stream: StreamId) -> Result<StreamState, CommandError> {
    let loaded =
        store.load_from_snapshots(&[snapshot_key(stream)]).await?.pop().unwrap_or_default();
    match StreamState::restore(stream, loaded)? {
        Some(state) => Ok(state),
        None => fold(store, stream).await,
    }
}

/// Folds the stream from its first event.
async fn fold(store: &EventStore, stream: StreamId) -> Result<StreamState, CommandError> {
    let mut state = StreamState::absent(stream);
    state.catch_up(stream, &store.load(stream.id, 0).await?)?;
    Ok(state)
}

/// Ends when the bus is closed or dropped.
async fn take_snapshots(
    store: EventStore,
    mut requests: mpsc::Receiver<StreamId>,
    queued: QueuedStreams,
    closing: CancellationToken,
) {
    while let Some(Some(stream)) = closing.run_until_cancelled(requests.recv()).await {
        lock(&queued).remove(&stream);
        if let Some(Err(error)) = closing.run_until_cancelled(take_snapshot(&store, stream)).await {
            tracing::warn!(%stream, %error, "a snapshot could not be taken; the stream loads more slowly");
        }
    }
}

/// Takes a snapshot of the durable state only.
async fn take_snapshot(store: &EventStore, stream: StreamId) -> Result<(), CommandError> {
    let mut loaded = load(store, stream).await?;
    let ExpectedHead::Durable(position) = loaded.head else { return Ok(()) };
    if !loaded.take_snapshot_due() {
        // The snapshot was taken since it was requested, perhaps by another node.
        return Ok(());
    }
    let corrupt =
        |error: serde_json::Error| CommandError::Corrupt { stream, reason: error.to_string() };
    let state = serde_json::to_string(&loaded.state).map_err(corrupt)?;
    let snapshot = Snapshot { version: loaded.version, position, state };
    Ok(store.save_snapshot(stream.kind.as_str(), snapshot_key(stream), &snapshot).await?)
}

fn lock(queued: &QueuedStreams) -> MutexGuard<'_, HashSet<StreamId>> {
    queued.lock().unwrap_or_else(PoisonError::into_inner)
}
