//! Reads the log, runs the tasks, and moves the checkpoint.

use std::time::{Duration, Instant};

use domain::StreamId;
use domain::payment::PaymentCommand;
use domain::process::{NotificationRequest, Reaction};
use event_store::lease::LeaseError;
use projections::Feed;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::queues::Queues;
use super::{Cause, Task, Work, effects, tasks};
use crate::backoff::pause;
use crate::checkout::{ExtendReservation, FlagUnknownPayments, Settle, UnwindPayments};
use crate::notification::Notify;
use crate::payment::PaymentPolicy;
use crate::payments::Provider;
use crate::tenure::{Candidate, Term};
use crate::trace::{self, SPANS};
use crate::{AggregateCommand, Bus, CommandError, Trace, metrics};

/// The name of the lease; its position is the checkpoint.
pub(super) const NAME: &str = "reactions";

const LEASE_TTL: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(500);

/// The checkpoint may be so far behind what is done: to do that again changes nothing.
const SAVE_EVERY: Duration = Duration::from_millis(100);

/// The most events read at once, and the most positions that may be unfinished before reading
/// stops.
const READ_MAX: usize = 500;
const UNFINISHED_MAX: usize = 4_096;

/// Everything a reaction needs.
#[derive(Debug, Clone)]
pub struct Reactions {
    pub feed: Feed,
    pub bus: Bus,
    pub provider: Provider,
    pub policy: PaymentPolicy,
}

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Store(#[from] event_store::StoreError),
    #[error("the event at position {0} cannot be read")]
    Unreadable(i64),
}

/// Reacts, whenever this node holds the lease, until told to stop.
pub async fn run(reactions: Reactions, stop: CancellationToken) {
    let pool = reactions.bus.store().pool().clone();
    let mut candidate = Candidate::new(pool, NAME, LEASE_TTL, stop.clone());
    while let Some(term) = candidate.term().await {
        let mut leader = Leader::new(reactions.clone(), term);
        if let Err(error) = leader.lead(&stop).await {
            tracing::warn!(%error, "reactions stopped on this node, trying again");
        }
        leader.resign().await;
    }
}

struct Leader {
    reactions: Reactions,
    term: Term,
    saved_at: Instant,
    read_at: Instant,
    queues: Queues,
    /// Of the command whose events are being read: its first one tells.
    trace: Option<Trace>,
    running: JoinSet<(StreamId, i64)>,
}

impl Leader {
    fn new(reactions: Reactions, term: Term) -> Leader {
        Leader {
            reactions,
            queues: Queues::new(term.checkpoint()),
            trace: None,
            term,
            saved_at: Instant::now(),
            read_at: Instant::now(),
            running: JoinSet::new(),
        }
    }

    async fn lead(&mut self, stop: &CancellationToken) -> Result<(), Stopped> {
        while !stop.is_cancelled() {
            self.term.keep().await?;
            let found = self.read().await?;
            if self.saved_at.elapsed() >= SAVE_EVERY {
                self.save_checkpoint().await?;
            }
            if found > 0 && self.queues.len() < UNFINISHED_MAX {
                continue;
            }
            tokio::select! {
                () = self.reactions.feed.wait_for_event_after(self.queues.read_to(), POLL),
                    if self.queues.len() < UNFINISHED_MAX => {}
                Some(done) = self.running.join_next() => self.finished(done),
                () = stop.cancelled() => {}
            }
        }
        self.save_checkpoint().await
    }

    async fn read(&mut self) -> Result<usize, Stopped> {
        // Tasks end all the time; the end of the log is not looked at for each.
        let known = self.reactions.bus.store().known_head() > self.queues.read_to();
        if self.queues.len() >= UNFINISHED_MAX || !known && self.read_at.elapsed() < POLL {
            return Ok(0);
        }
        self.read_at = Instant::now();
        let entries = self.reactions.feed.read(self.queues.read_to(), READ_MAX).await?;
        for entry in &entries {
            let event = entry.decoded().map_err(|_| Stopped::Unreadable(entry.position()))?;
            if let Some(metadata) = &entry.raw.metadata {
                self.trace = trace::from_metadata(metadata);
            }
            let first = self.queues.push(event.position, event.stream, tasks(event, self.trace));
            self.start(event.stream, first);
        }
        while let Some(done) = self.running.try_join_next() {
            self.finished(done);
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

    fn finished(&mut self, done: Result<(StreamId, i64), tokio::task::JoinError>) {
        match done {
            Ok((stream, position)) => {
                let next = self.queues.finish(stream, position);
                self.start(stream, next);
            }
            // Its position stays unfinished, so it is done again by the next leader.
            Err(error) => tracing::error!(%error, "a reaction ended without a result"),
        }
    }

    async fn save_checkpoint(&mut self) -> Result<(), Stopped> {
        self.term.advance(self.queues.checkpoint()).await?;
        self.saved_at = Instant::now();
        Ok(())
    }

    /// Stops what still runs, so that the next leader need not wait.
    async fn resign(mut self) {
        self.running.shutdown().await;
        self.term.resign().await;
    }
}

/// Tries until it is done, or until it is clear that it never will be.
async fn carry_out(reactions: &Reactions, task: Task) {
    for attempt in 0.. {
        let result = match &task.work {
            Work::React(reaction) => react(reactions, &task, *reaction).await,
            Work::Call(effect) => effects::call(reactions, &task.cause, *effect).await,
            Work::Notify(notice) => notify(reactions, &task.cause, notice).await,
        };
        match result {
            Ok(()) => return,
            Err(CommandError::Refused(refusal)) => {
                return park(reactions, &task, &refusal.to_string()).await;
            }
            Err(error) => {
                let position = task.cause.position;
                metrics::REACTION_RETRIES.inc();
                tracing::warn!(position, work = ?task.work, %error, "a reaction failed, trying again");
                let (first, most) = (Duration::from_millis(100), Duration::from_secs(30));
                tokio::time::sleep(pause(attempt, first, most)).await;
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

/// Nothing else can be done about it here: somebody has to look.
async fn park(reactions: &Reactions, task: &Task, reason: &str) {
    let (position, work) = (task.cause.position, format!("{:?}", task.work));
    tracing::error!(position, work, reason, "a reaction is parked");
    let parked = sqlx::query(
        "insert into parked_reactions (position, reaction, reason) values ($1, $2, $3)
         on conflict on constraint parked_reactions_reaction do update set reason = $3",
    )
    .bind(position)
    .bind(&work)
    .bind(reason)
    .execute(reactions.bus.store().pool())
    .await;
    if let Err(error) = parked {
        tracing::error!(position, work, %error, "a parked reaction could not be written down");
    }
}
