//! Reads the log, runs the tasks, and moves the checkpoint.

use std::time::{Duration, Instant};

use domain::StreamId;
use domain::payment::PaymentCommand;
use domain::process::{NotificationRequest, Reaction};
use event_store::Backoff;
use event_store::leader::{Leader, LeaderWork, Leadership};
use event_store::lease::LeaseError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::queues::Queues;
use super::{Cause, Reactions, Task, TaskKind, effects, tasks};
use crate::checkout::{ExtendReservation, FlagUnknownPayments, Settle, UnwindPayments};
use crate::notification::Notify;
use crate::trace::{self, SPANS};
use crate::{AggregateCommand, CommandError, Trace, metrics};

/// The name of the lease, which holds the checkpoint.
pub(super) const LEASE: &str = "reactions";

/// Interval at which the log is read although no new event is known.
const POLL: Duration = Duration::from_millis(500);

/// Interval at which the checkpoint is written. After a crash, what was done since is done again,
/// which changes nothing.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(100);

/// Pauses between the attempts of one reaction.
const RETRIES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));

/// The largest number of events that are read at once, and the number of unfinished positions at
/// which reading pauses.
const READ_MAX: usize = 500;
const UNFINISHED_MAX: usize = 4_096;

/// Why this node stopped reacting; it tries again from the checkpoint on.
#[derive(Debug, thiserror::Error)]
enum ReactionsError {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Store(#[from] event_store::StoreError),
    #[error("the event at position {0} cannot be decoded; run a program that knows it")]
    Undecodable(i64),
}

/// Reacts to events while this node leads, until it is asked to stop.
pub async fn run(reactions: Reactions, stop: CancellationToken) {
    let leader = Leader::new(reactions.bus.store().pool().clone(), LEASE);
    leader.run(&stop, &mut ReactionWork { reactions, stop: stop.clone() }).await;
}

struct ReactionWork {
    reactions: Reactions,
    stop: CancellationToken,
}

impl LeaderWork for ReactionWork {
    type Error = ReactionsError;

    async fn lead(&mut self, leadership: &mut Leadership) -> Result<(), ReactionsError> {
        let mut run = ReactionRun::new(self.reactions.clone(), leadership);
        let ended = run.follow(&self.stop).await;
        // The tasks that still run are aborted, so that the next leader need not wait for them.
        run.running.shutdown().await;
        ended
    }
}

/// What this node has in memory while it leads.
struct ReactionRun<'a> {
    reactions: Reactions,
    leadership: &'a mut Leadership,
    saved_at: Instant,
    read_at: Instant,
    queues: Queues,
    /// The trace of the command whose events are being read: only its first event has it.
    trace: Option<Trace>,
    running: JoinSet<(StreamId, i64)>,
}

impl<'a> ReactionRun<'a> {
    fn new(reactions: Reactions, leadership: &'a mut Leadership) -> ReactionRun<'a> {
        ReactionRun {
            reactions,
            queues: Queues::new(leadership.checkpoint()),
            trace: None,
            leadership,
            saved_at: Instant::now(),
            read_at: Instant::now(),
            running: JoinSet::new(),
        }
    }

    async fn follow(&mut self, stop: &CancellationToken) -> Result<(), ReactionsError> {
        while !stop.is_cancelled() {
            self.leadership.renew_if_due().await?;
            let found = self.read().await?;
            if self.saved_at.elapsed() >= CHECKPOINT_INTERVAL {
                self.save_checkpoint().await?;
            }
            if found > 0 && self.queues.len() < UNFINISHED_MAX {
                continue;
            }
            tokio::select! {
                () = self.reactions.feed.wait_for_event_after(self.queues.read_to(), POLL),
                    if self.queues.len() < UNFINISHED_MAX => {}
                Some(done) = self.running.join_next() => self.finish(done),
                () = stop.cancelled() => {}
            }
        }
        self.save_checkpoint().await
    }

    async fn read(&mut self) -> Result<usize, ReactionsError> {
        // This is called whenever a task ends, so the end of the log is read only from time to
        // time.
        let has_news = self.reactions.bus.store().known_head() > self.queues.read_to();
        if self.queues.len() >= UNFINISHED_MAX || !has_news && self.read_at.elapsed() < POLL {
            return Ok(0);
        }
        self.read_at = Instant::now();
        let entries = self.reactions.feed.read(self.queues.read_to(), READ_MAX).await?;
        for entry in &entries {
            let event =
                entry.decoded().map_err(|_| ReactionsError::Undecodable(entry.position()))?;
            if let Some(metadata) = &entry.raw.metadata {
                self.trace = trace::from_metadata(metadata);
            }
            let first = self.queues.push(event.position, event.stream, tasks(event, self.trace));
            self.start(event.stream, first);
        }
        while let Some(done) = self.running.try_join_next() {
            self.finish(done);
        }
        Ok(entries.len())
    }

    fn start(&mut self, stream: StreamId, task: Option<Task>) {
        if let Some(task) = task {
            let reactions = self.reactions.clone();
            self.running.spawn(async move {
                let position = task.cause.position;
                let span = tracing::debug_span!(target: SPANS, "reaction", position);
                let trace = Trace::enter(&span, task.cause.trace);
                let task = Task { cause: Cause { trace, ..task.cause }, ..task };
                carry_out(&reactions, task).instrument(span).await;
                (stream, position)
            });
        }
    }

    /// Marks a task as done, and starts the next one of its stream.
    fn finish(&mut self, done: Result<(StreamId, i64), tokio::task::JoinError>) {
        match done {
            Ok((stream, position)) => {
                let next = self.queues.finish(stream, position);
                self.start(stream, next);
            }
            // The task's position stays unfinished, so the next leader repeats the task.
            Err(error) => tracing::error!(%error, "a reaction ended without a result"),
        }
    }

    async fn save_checkpoint(&mut self) -> Result<(), ReactionsError> {
        self.leadership.advance(self.queues.checkpoint()).await?;
        self.saved_at = Instant::now();
        Ok(())
    }
}

/// Repeats the task until it is done, or until it is refused and therefore parked.
async fn carry_out(reactions: &Reactions, task: Task) {
    for attempt in 0.. {
        let result = match &task.kind {
            TaskKind::React(reaction) => react(reactions, &task, *reaction).await,
            TaskKind::Call(effect) => effects::call(reactions, &task.cause, *effect).await,
            TaskKind::Notify(notice) => notify(reactions, &task.cause, notice).await,
        };
        match result {
            Ok(()) => return,
            Err(CommandError::Refused(refusal)) => {
                return park(reactions, &task, &refusal.to_string()).await;
            }
            Err(error) => {
                let position = task.cause.position;
                metrics::REACTION_RETRIES.inc();
                tracing::warn!(position, reaction = ?task.kind, %error, "a reaction failed, trying again");
                tokio::time::sleep(RETRIES.pause_after(attempt)).await;
            }
        }
    }
}

async fn react(reactions: &Reactions, task: &Task, reaction: Reaction) -> Result<(), CommandError> {
    let context = task.cause.context(&format!("{}/{}", reaction.name(), reaction.target()));
    let (bus, policy) = (&reactions.bus, &reactions.policy);
    match reaction {
        Reaction::Settle(payment) => bus.execute(Settle(payment), context).await?,
        Reaction::UnwindPayments(order) => bus.execute(UnwindPayments(order), context).await?,
        Reaction::ExtendReservation(payment) => {
            let hold = ExtendReservation { payment, at_most: policy.reserve_at_most };
            bus.execute(hold, context).await?
        }
        Reaction::PlanFollowUp(payment) => {
            let command = PaymentCommand::PlanFollowUp { first: policy.retry_after };
            bus.execute(AggregateCommand { name: "planFollowUp", id: payment, command }, context)
                .await?
        }
        Reaction::FlagUnknown(order) => bus.execute(FlagUnknownPayments(order), context).await?,
    };
    Ok(())
}

async fn notify(
    reactions: &Reactions,
    cause: &Cause,
    notice: &NotificationRequest,
) -> Result<(), CommandError> {
    let context = cause.context(&format!("notify/{}", notice.template().as_str()));
    let notification = notice.id(cause.position);
    let command = Notify { notification, notice: notice.clone() };
    reactions.bus.execute(command, context).await.map(|_| ())
}

/// Records a reaction that the rules refuse: a person has to look at it.
async fn park(reactions: &Reactions, task: &Task, reason: &str) {
    let (position, reaction) = (task.cause.position, format!("{:?}", task.kind));
    tracing::error!(
        position,
        reaction,
        reason,
        "a reaction was refused and is parked; a person has to look at it"
    );
    let parked = sqlx::query(
        "insert into parked_reactions (position, reaction, reason) values ($1, $2, $3)
         on conflict on constraint parked_reactions_reaction do update set reason = $3",
    )
    .bind(position)
    .bind(&reaction)
    .bind(reason)
    .execute(reactions.bus.store().pool())
    .await;
    if let Err(error) = parked {
        tracing::error!(position, reaction, %error, "a parked reaction could not be recorded");
    }
}
