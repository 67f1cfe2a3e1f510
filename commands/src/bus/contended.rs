//! The path for commands on contended streams. They are decided while this node holds the log's
//! lock, so no stream can move in between. All waiting commands are decided under one lock, so two
//! nodes that write the same stream both make progress.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::StreamId;
use event_store::{AppendOutcome, Backoff, LockedLog, PendingAppend, RecordedEvent};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::decision::{CommandDecision, Conflict};
use super::stream_state::StreamState;
use super::streams::{Streams, snapshot_key};
use super::{Command, Context};
use crate::CommandError;

/// The largest number of commands that are decided under one lock.
const COMMANDS_MAX: usize = 256;

/// How many times a batch is tried if its connection fails.
const TRIES_MAX: u32 = 8;

/// Pauses between these tries.
const RETRIES: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));

/// How long after a conflict the commands of a stream are decided under the lock without trying the
/// fast path.
const CONTENDED_FOR: Duration = Duration::from_millis(500);

pub(super) struct ContendedPath {
    queue: mpsc::Sender<QueuedCommand>,
    contended: Arc<ContendedStreams>,
    closing: CancellationToken,
}

struct QueuedCommand {
    command: Arc<dyn Command>,
    context: Arc<Context>,
    /// The streams that the command was decided on when it had a conflict.
    streams: Vec<StreamId>,
    answer: oneshot::Sender<Result<DecisionOutcome, CommandError>>,
}

/// A decision, and the log's answer to it.
pub(super) type DecisionOutcome = (CommandDecision, AppendOutcome);

impl ContendedPath {
    pub(super) fn start(streams: Streams, tasks: &TaskTracker) -> ContendedPath {
        let (queue, queued) = mpsc::channel(4 * COMMANDS_MAX);
        let closing = CancellationToken::new();
        tasks.spawn(run(streams, queued, closing.clone()));
        ContendedPath { queue, contended: Arc::default(), closing }
    }

    /// Whether commands on this stream had a conflict a short time ago.
    pub(super) fn is_contended(&self, stream: StreamId) -> bool {
        self.contended.contains(stream)
    }

    /// Decides no more commands.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    pub(super) async fn decide(
        &self,
        command: Arc<dyn Command>,
        context: Arc<Context>,
        Conflict { moved, streams }: Conflict,
    ) -> Result<DecisionOutcome, CommandError> {
        self.contended.mark(moved);
        let (answer, answered) = oneshot::channel();
        let queued = QueuedCommand { command, context, streams, answer };
        self.queue.send(queued).await.map_err(|_| CommandError::Interrupted)?;
        answered.await.map_err(|_| CommandError::Interrupted)?
    }
}

/// The contended streams, each until its time has passed.
#[derive(Default)]
struct ContendedStreams {
    until: Mutex<HashMap<StreamId, Instant>>,
    /// True if any stream may be contended; while it is false, no command locks the mutex.
    any: AtomicBool,
}

impl ContendedStreams {
    fn contains(&self, stream: StreamId) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut streams = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        streams.retain(|_, until| *until > now);
        self.any.store(!streams.is_empty(), Ordering::Release);
        streams.contains_key(&stream)
    }

    fn mark(&self, contended: Option<StreamId>) {
        let until = Instant::now() + CONTENDED_FOR;
        let mut streams = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        streams.extend(contended.map(|stream| (stream, until)));
        self.any.store(true, Ordering::Release);
    }
}

type StreamStates = BTreeMap<StreamId, StreamState>;

async fn run(
    streams: Streams,
    mut queued: mpsc::Receiver<QueuedCommand>,
    closing: CancellationToken,
) {
    let mut batch = Vec::with_capacity(COMMANDS_MAX);
    let mut states = StreamStates::new();
    loop {
        let received = tokio::select! {
            received = queued.recv_many(&mut batch, COMMANDS_MAX) => received,
            () = closing.cancelled() => return,
        };
        if received == 0 {
            return;
        }
        let decided = decide_with_retries(&streams, &batch, &mut states).await;
        answer_all(batch.drain(..), decided);
    }
}

/// A caller that has gone needs no answer.
fn answer_all(
    batch: impl Iterator<Item = QueuedCommand>,
    decided: Result<Vec<DecisionOutcome>, CommandError>,
) {
    match decided {
        Ok(decided) => batch.zip(decided).for_each(|(queued, decided)| {
            let _ = queued.answer.send(Ok(decided));
        }),
        Err(error) => batch.for_each(|queued| {
            let _ = queued.answer.send(Err(error.clone()));
        }),
    }
}

/// After a lost connection it is unknown whether the batch was committed, so it is sent again;
/// commands that were committed are then found as duplicates.
async fn decide_with_retries(
    streams: &Streams,
    batch: &[QueuedCommand],
    states: &mut StreamStates,
) -> Result<Vec<DecisionOutcome>, CommandError> {
    let mut attempt = 0;
    loop {
        let error = match decide_all(streams, batch, states).await {
            Ok(decided) => return Ok(decided),
            Err(error) => error,
        };
        states.clear();
        attempt += 1;
        if attempt == TRIES_MAX {
            return Err(error);
        }
        tracing::warn!(
            %error, attempt, commands = batch.len(),
            "commands could not be decided under the log's lock and are tried again"
        );
        tokio::time::sleep(RETRIES.pause_after(attempt)).await;
    }
}

async fn decide_all(
    streams: &Streams,
    batch: &[QueuedCommand],
    states: &mut StreamStates,
) -> Result<Vec<DecisionOutcome>, CommandError> {
    let needed: BTreeSet<_> =
        batch.iter().flat_map(|queued| queued.streams.iter().copied()).collect();
    load_before_locking(streams, &needed, states).await?;

    let mut log = streams.store().lock().await?;
    catch_up(&mut log, states, &needed).await?;
    let mut sent = Vec::with_capacity(batch.len());
    for queued in batch {
        sent.push(decide(&mut log, queued, states).await?);
    }
    log.write().await?;
    log.commit().await?;

    let mut decided = Vec::with_capacity(sent.len());
    for (decision, pending) in sent {
        let outcome = pending.outcome().await?;
        if !matches!(outcome, AppendOutcome::Appended { .. } | AppendOutcome::Confirmed) {
            states.clear();
        }
        decided.push((decision, outcome));
    }
    for (stream, state) in states {
        if state.take_snapshot_due() {
            streams.ask_for_snapshot(*stream);
        }
    }
    Ok(decided)
}

/// Loads missing streams without the lock, so that other nodes can write while long streams are
/// read.
async fn load_before_locking(
    streams: &Streams,
    needed: &BTreeSet<StreamId>,
    states: &mut StreamStates,
) -> Result<(), CommandError> {
    states.retain(|stream, _| needed.contains(stream));
    let missing: Vec<_> =
        needed.iter().copied().filter(|stream| !states.contains_key(stream)).collect();
    let loaded = streams.load_all(&missing).await?;
    states.extend(missing.into_iter().zip(loaded));
    Ok(())
}

/// Brings the states of these streams up to date, in one round trip.
async fn catch_up(
    log: &mut LockedLog,
    states: &mut StreamStates,
    streams: &BTreeSet<StreamId>,
) -> Result<(), CommandError> {
    let known = |stream: &StreamId| states.get(stream).map_or(0, |state| state.version);
    let wanted: Vec<_> = streams.iter().map(|stream| (stream.id, known(stream))).collect();
    let mut missed: HashMap<Uuid, Vec<RecordedEvent>> = HashMap::new();
    for event in log.load_many(&wanted).await? {
        missed.entry(event.stream_id).or_default().push(event);
    }
    for stream in streams {
        let state = states.entry(*stream).or_insert_with(|| StreamState::absent(*stream));
        state.catch_up(*stream, missed.get(&stream.id).into_iter().flatten())?;
    }
    Ok(())
}

/// Loads a stream that the earlier decision did not ask for.
async fn load(
    log: &mut LockedLog,
    states: &mut StreamStates,
    stream: StreamId,
) -> Result<(), CommandError> {
    let loaded = log.load_from_snapshots(&[snapshot_key(stream)]).await?.pop().unwrap_or_default();
    match StreamState::restore(stream, loaded)? {
        Some(state) => states.insert(stream, state),
        None => return catch_up(log, states, &BTreeSet::from([stream])).await,
    };
    Ok(())
}

async fn decide(
    log: &mut LockedLog,
    queued: &QueuedCommand,
    states: &mut StreamStates,
) -> Result<(CommandDecision, PendingAppend), CommandError> {
    let (command, context) = (&*queued.command, &*queued.context);
    let mut streams: BTreeSet<_> = queued.streams.iter().copied().collect();
    let mut decision = loop {
        let known: Vec<_> =
            streams.iter().filter_map(|id| states.get(id).map(|state| (*id, state))).collect();
        match CommandDecision::make(command, context, &known) {
            Ok(decision) => break decision,
            Err(missing) => {
                streams.insert(missing);
                if !states.contains_key(&missing) {
                    load(log, states, missing).await?;
                }
            }
        }
    };
    let pending = log.send(decision.append(command, context)?);
    let mut decided_on: Vec<_> = states
        .iter_mut()
        .filter(|(id, _)| streams.contains(*id))
        .map(|(id, state)| (*id, state))
        .collect();
    let new = decision.apply(&pending, command.subject(), &mut decided_on);
    states.extend(new);
    Ok((decision, pending))
}
