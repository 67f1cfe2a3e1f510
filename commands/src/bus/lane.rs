//! The lane for commands that keep colliding: they are decided under the log's lock, where nothing
//! can move. All that wait for it are taken along, so two nodes that fight over one stream both get
//! ahead.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::StreamId;
use event_store::{AppendOutcome, LockedLog, PendingAppend, RecordedEvent};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::cache::Slot;
use super::decision::{Collision, Decision};
use super::streams::{Streams, wanted};
use super::{Command, Context};
use crate::CommandError;
use crate::backoff::pause;

/// The most commands that are decided under one lock.
const COMMANDS_MAX: usize = 256;

/// How often a batch whose connection failed is tried again.
const TRIES_MAX: u32 = 8;

/// How long after a collision a stream's commands go straight to the lane.
const CONTENDED_FOR: Duration = Duration::from_millis(500);

pub(super) struct Lane {
    queue: mpsc::Sender<Job>,
    contended: Arc<Contended>,
    closing: CancellationToken,
}

struct Job {
    command: Arc<dyn Command>,
    context: Arc<Context>,
    /// What it was decided on when it collided.
    streams: Vec<StreamId>,
    answer: oneshot::Sender<Result<Decided, CommandError>>,
}

/// A decision and what became of it.
pub(super) type Decided = (Box<Decision>, AppendOutcome);

impl Lane {
    pub(super) fn start(streams: Streams, tasks: &TaskTracker) -> Lane {
        let (queue, waiting) = mpsc::channel(4 * COMMANDS_MAX);
        let closing = CancellationToken::new();
        tasks.spawn(run(streams, waiting, closing.clone()));
        Lane { queue, contended: Arc::default(), closing }
    }

    /// Whether commands on this stream have collided just now.
    pub(super) fn owns(&self, stream: StreamId) -> bool {
        self.contended.holds(stream)
    }

    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    pub(super) async fn decide(
        &self,
        command: Arc<dyn Command>,
        context: Arc<Context>,
        Collision { on, streams }: Collision,
    ) -> Result<Decided, CommandError> {
        self.contended.mark(on);
        let (answer, answered) = oneshot::channel();
        let job = Job { command, context, streams, answer };
        self.queue.send(job).await.map_err(|_| CommandError::Interrupted)?;
        answered.await.map_err(|_| CommandError::Interrupted)?
    }
}

/// The streams that commands fight over, each until when.
#[derive(Default)]
struct Contended {
    streams: Mutex<HashMap<StreamId, Instant>>,
    /// So that nobody takes the lock while there is nothing to find.
    any: AtomicBool,
}

impl Contended {
    fn holds(&self, stream: StreamId) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        streams.retain(|_, until| *until > now);
        self.any.store(!streams.is_empty(), Ordering::Release);
        streams.contains_key(&stream)
    }

    fn mark(&self, contended: Option<StreamId>) {
        let until = Instant::now() + CONTENDED_FOR;
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.extend(contended.map(|stream| (stream, until)));
        self.any.store(true, Ordering::Release);
    }
}

async fn run(streams: Streams, mut waiting: mpsc::Receiver<Job>, closing: CancellationToken) {
    let mut jobs = Vec::with_capacity(COMMANDS_MAX);
    let mut slots = Slots::new();
    loop {
        let taken = tokio::select! {
            taken = waiting.recv_many(&mut jobs, COMMANDS_MAX) => taken,
            () = closing.cancelled() => return,
        };
        if taken == 0 {
            return;
        }
        let answers = with_retries(&streams, &jobs, &mut slots).await;
        for (job, answer) in jobs.drain(..).zip(answers) {
            // A caller who went away has nothing to hear.
            let _ = job.answer.send(answer);
        }
    }
}

type Slots = BTreeMap<StreamId, Slot>;
type Answers = Vec<Result<Decided, CommandError>>;

/// After a lost connection the outcome is unknown; what was committed is found as a duplicate.
async fn with_retries(streams: &Streams, jobs: &[Job], slots: &mut Slots) -> Answers {
    let mut attempt = 0;
    loop {
        match decide_all(streams, jobs, slots).await {
            Ok(answers) => return answers,
            Err(error) => {
                slots.clear();
                attempt += 1;
                if attempt == TRIES_MAX {
                    return jobs.iter().map(|_| Err(error.clone())).collect();
                }
                tracing::warn!(%error, attempt, "deciding under the lock failed, trying again");
                let (first, most) = (Duration::from_millis(20), Duration::from_secs(1));
                tokio::time::sleep(pause(attempt, first, most)).await;
            }
        }
    }
}

async fn decide_all(
    streams: &Streams,
    jobs: &[Job],
    slots: &mut Slots,
) -> Result<Answers, CommandError> {
    let needed: BTreeSet<_> = jobs.iter().flat_map(|job| job.streams.iter().copied()).collect();
    slots.retain(|stream, _| needed.contains(stream));
    // Nobody has to wait while long streams are read.
    let missing: Vec<_> =
        needed.iter().copied().filter(|stream| !slots.contains_key(stream)).collect();
    let loaded = streams.load_all(&missing).await?;
    slots.extend(missing.into_iter().zip(loaded));

    let mut log = streams.store().lock().await?;
    catch_up(&mut log, slots, &needed).await?;

    let mut sent = Vec::with_capacity(jobs.len());
    for job in jobs {
        sent.push(decide(&mut log, job, slots).await?);
    }
    log.write().await?;
    log.commit().await?;

    let mut answers = Answers::with_capacity(sent.len());
    for (decision, ticket) in sent {
        let outcome = ticket.outcome().await?;
        if !matches!(outcome, AppendOutcome::Appended { .. } | AppendOutcome::Confirmed) {
            slots.clear();
        }
        answers.push(Ok((decision, outcome)));
    }
    for (stream, slot) in slots {
        if slot.comes_due() {
            streams.ask_for_snapshot(*stream);
        }
    }
    Ok(answers)
}

/// Brings the states of these streams up to date, in one round trip.
async fn catch_up(
    log: &mut LockedLog,
    slots: &mut Slots,
    streams: &BTreeSet<StreamId>,
) -> Result<(), CommandError> {
    let known = |stream: &StreamId| slots.get(stream).map_or(0, |slot| slot.version);
    let wanted: Vec<_> = streams.iter().map(|stream| (stream.id, known(stream))).collect();
    let mut missed: HashMap<Uuid, Vec<RecordedEvent>> = HashMap::new();
    for event in log.load_many(&wanted).await? {
        missed.entry(event.stream_id).or_default().push(event);
    }
    for stream in streams {
        let slot = slots.entry(*stream).or_insert_with(|| Slot::absent(*stream));
        slot.catch_up(*stream, missed.get(&stream.id).into_iter().flatten())?;
    }
    Ok(())
}

/// Loads a stream that nobody had thought of.
async fn load(
    log: &mut LockedLog,
    slots: &mut Slots,
    stream: StreamId,
) -> Result<(), CommandError> {
    let loaded = log.load_from_snapshots(&[wanted(stream)]).await?.pop().unwrap_or_default();
    match Slot::restore(stream, loaded)? {
        Some(slot) => slots.insert(stream, slot),
        None => return catch_up(log, slots, &BTreeSet::from([stream])).await,
    };
    Ok(())
}

async fn decide(
    log: &mut LockedLog,
    job: &Job,
    slots: &mut Slots,
) -> Result<(Box<Decision>, PendingAppend), CommandError> {
    let mut streams: BTreeSet<_> = job.streams.iter().copied().collect();
    let mut decision = loop {
        let states: Vec<_> =
            streams.iter().filter_map(|id| slots.get(id).map(|slot| (*id, slot))).collect();
        match Decision::make(&*job.command, &job.context, &states) {
            Ok(decision) => break decision,
            Err(missing) => {
                streams.insert(missing);
                if !slots.contains_key(&missing) {
                    load(log, slots, missing).await?;
                }
            }
        }
    };
    let ticket = log.send(decision.append(&*job.command, &job.context)?);
    let mut states: Vec<_> = slots
        .iter_mut()
        .filter(|(id, _)| streams.contains(*id))
        .map(|(id, slot)| (*id, slot))
        .collect();
    let fresh = decision.apply(&ticket, job.command.subject(), &mut states);
    slots.extend(fresh);
    Ok((Box::new(decision), ticket))
}
