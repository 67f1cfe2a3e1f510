//! Sends the messages that are due. Which ones are due is a read model, so a restart forgets none.
//! One node does this at a time, by lease, and sends a bounded number of messages at the same time.
//!
//! The read model may be behind, so each message is loaded before it is sent.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use chrono::Utc;
use domain::NotificationId;
use event_store::leader::{Leader, LeaderWork, Leadership};
use event_store::lease::LeaseError;
use event_store::{Backoff, time_limits};
use projections::QueryError;
use projections::deadlines::DueNotification;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use super::outbox::{MailOutbox, Reachability};
use crate::breaker::Breaker;
use crate::metrics::MAIL_CIRCUIT_OPEN;

/// The name of the lease.
const LEASE: &str = "mail";

/// Interval at which due messages are queried, and the shorter one after a query that did not
/// return all of them.
const POLL: Duration = Duration::from_millis(250);
const POLL_FOR_MORE: Duration = Duration::from_millis(50);

/// The largest number of messages that one query returns.
const BATCH_MAX: usize = 500;

/// Interval between the starts of two messages. After a pause, as many messages may start at once
/// as would have started in `BURST`. This leaves processor time to orders, and mail servers refuse
/// clients that send too fast.
const START_INTERVAL: Duration = Duration::from_millis(20);
const BURST: Duration = Duration::from_secs(1);

/// After this many failures in a row the circuit breaker of the mail server opens, for this long.
const FAILURES_MAX: u32 = 5;
const OPEN_FOR: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

/// Sends due messages while this node leads, until it is asked to stop.
pub async fn run(outbox: MailOutbox, stop: CancellationToken) {
    let leader = Leader::new(outbox.bus.store().pool().clone(), LEASE);
    let mut work = MailWork::new(outbox, stop.clone());
    leader.run(&stop, &mut work).await;
    work.finish().await;
}

/// The messages that wait and those that are being sent. It outlives a leadership: a message that
/// is being sent when the lease is lost is still finished and recorded.
struct MailWork {
    outbox: MailOutbox,
    stop: CancellationToken,
    breaker: Breaker,
    waiting: VecDeque<DueNotification>,
    under_way: HashMap<task::Id, NotificationId>,
    running: JoinSet<Reachability>,
    looked_at: Option<Instant>,
    poll: Duration,
    next_start: Instant,
}

impl LeaderWork for MailWork {
    type Error = LeaseError;

    async fn lead(&mut self, leadership: &mut Leadership) -> Result<(), LeaseError> {
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            leadership.renew_if_due().await?;
            if let Err(error) = self.start_due().await {
                tracing::warn!(%error, "due mail cannot be found, trying again");
            }
            let pause = self.until_next_look().max(POLL_FOR_MORE);
            tokio::select! {
                () = self.wait_for_an_end() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
        // Otherwise the next leader would send again what this node is still sending.
        self.finish().await;
        Ok(())
    }
}

impl MailWork {
    fn new(outbox: MailOutbox, stop: CancellationToken) -> MailWork {
        MailWork {
            outbox,
            stop,
            breaker: Breaker::new("the mail server", FAILURES_MAX, OPEN_FOR),
            waiting: VecDeque::new(),
            under_way: HashMap::new(),
            running: JoinSet::new(),
            looked_at: None,
            poll: POLL,
            next_start: Instant::now(),
        }
    }

    /// Starts as many messages as there is room for.
    async fn start_due(&mut self) -> Result<(), QueryError> {
        let most = self.outbox.mailer.parallel();
        if self.under_way.len() < most
            && self.waiting.is_empty()
            && self.until_next_look().is_zero()
        {
            self.look_for_due().await?;
        }
        while self.under_way.len() < most
            && self.may_start_next()
            && let Some(due) = self.waiting.pop_front()
        {
            let (outbox, notification) = (self.outbox.clone(), due.notification);
            let task = self.running.spawn(async move { outbox.deliver(&due).await });
            self.under_way.insert(task.id(), notification);
        }
        Ok(())
    }

    fn may_start_next(&mut self) -> bool {
        let now = Instant::now();
        !self.waiting.is_empty() && self.may_start() && self.breaker.admit(now).is_ok()
    }

    /// Whether the next message may start now; if so, its start is counted.
    fn may_start(&mut self) -> bool {
        let now = Instant::now();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let start = self.next_start.max(earliest);
        if start <= now {
            self.next_start = start + START_INTERVAL;
        }
        start <= now
    }

    async fn look_for_due(&mut self) -> Result<(), QueryError> {
        self.looked_at = Some(Instant::now());
        let most = i64::try_from(BATCH_MAX).unwrap_or(i64::MAX);
        let due = self.outbox.read_models.due_notifications(Utc::now(), most).await?;
        self.poll = if due.len() == BATCH_MAX { POLL_FOR_MORE } else { POLL };
        // Messages that are being sent may still be due in the read model.
        let under_way = |due: &DueNotification| {
            self.under_way.values().any(|notification| *notification == due.notification)
        };
        self.waiting.extend(due.into_iter().filter(|due| !under_way(due)));
        Ok(())
    }

    /// The time until due messages are queried again.
    fn until_next_look(&self) -> Duration {
        self.looked_at.map_or(Duration::ZERO, |at| self.poll.saturating_sub(at.elapsed()))
    }

    /// Waits until a message that is being sent ends; waits for ever if there is none.
    async fn wait_for_an_end(&mut self) {
        match self.running.join_next_with_id().await {
            Some(Ok((task, reachability))) => self.record_end(task, reachability),
            Some(Err(error)) => {
                tracing::error!(%error, "a message ended without a result");
                self.record_end(error.id(), Reachability::NotCalled);
            }
            None => std::future::pending().await,
        }
    }

    fn record_end(&mut self, task: task::Id, reachability: Reachability) {
        self.under_way.remove(&task);
        let now = Instant::now();
        match reachability {
            Reachability::Reached => self.breaker.report(true, now),
            Reachability::Unreachable => self.breaker.report(false, now),
            Reachability::NotCalled => self.breaker.withdraw(now),
        }
        MAIL_CIRCUIT_OPEN.set(i64::from(self.breaker.is_open()));
    }

    /// Waits for a limited time for messages that are being sent, so that they are recorded and not
    /// sent again.
    async fn finish(&mut self) {
        let rest = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(time_limits::SHUTDOWN_OF_MAIL, rest).await.is_err() {
            tracing::warn!("some messages were still being sent; they may be sent again");
            self.running.abort_all();
        }
    }
}
