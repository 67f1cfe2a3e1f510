//! Sends what is due. Which messages are due is a read model, so nothing is forgotten; one node does
//! this at a time, by lease, a bounded number of messages side by side.
//!
//! The read model may be behind, so each message is looked at before it is sent.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use chrono::Utc;
use domain::NotificationId;
use projections::QueryError;
use projections::deadlines::DueNotification;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use super::outbox::{MailOutbox, Reach};
use crate::breaker::Breaker;
use crate::metrics::MAIL_CIRCUIT_OPEN;
use crate::tenure::Tenure;

const NAME: &str = "mail";

/// How often to look for what is due, and how often where the last look has not found all.
const POLL: Duration = Duration::from_millis(250);
const POLL_IN_A_HURRY: Duration = Duration::from_millis(50);

/// The most messages found by one look.
const BATCH_MAX: usize = 500;

/// Messages begin so far apart, and after a silence as many at once as would have begun in this time:
/// telling people takes nothing from selling, and mail servers turn away who hurries.
const START_EVERY: Duration = Duration::from_millis(20);
const BURST: Duration = Duration::from_secs(1);

/// After so many failures in a row the mail server is left alone, for so long at first and at most.
const FAILURES_AT_MOST: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What is under way when the program stops may take this long to be recorded.
const FINISH_WITHIN: Duration = Duration::from_secs(3);

/// Sends, whenever this node holds the lease, until told to stop.
pub async fn run(post: MailOutbox, stop: CancellationToken) {
    let mut tenure = Tenure::new(post.bus.store().pool().clone(), NAME);
    let mut office = Office::new(post);
    while !stop.is_cancelled() {
        if tenure.is_held().await
            && let Err(error) = office.work().await
        {
            tracing::warn!(%error, "due mail cannot be found, trying again");
        }
        let pause = office.pause().max(POLL_IN_A_HURRY);
        tokio::select! {
            () = office.something_ends() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
    office.close().await;
    tenure.end().await;
}

/// What waits and what is under way.
struct Office {
    post: MailOutbox,
    breaker: Breaker,
    waiting: VecDeque<DueNotification>,
    under_way: HashMap<task::Id, NotificationId>,
    running: JoinSet<Reach>,
    looked_at: Option<Instant>,
    poll: Duration,
    next_start: Instant,
}

impl Office {
    fn new(post: MailOutbox) -> Office {
        Office {
            post,
            breaker: Breaker::new("the mail server", FAILURES_AT_MOST, FIRST_REST, LONGEST_REST),
            waiting: VecDeque::new(),
            under_way: HashMap::new(),
            running: JoinSet::new(),
            looked_at: None,
            poll: POLL,
            next_start: Instant::now(),
        }
    }

    /// Starts as many messages as there is room for.
    async fn work(&mut self) -> Result<(), QueryError> {
        let most = self.post.mailer.parallel();
        if self.under_way.len() < most && self.waiting.is_empty() && self.pause().is_zero() {
            self.look().await?;
        }
        while self.under_way.len() < most
            && self.may_start_next()
            && let Some(due) = self.waiting.pop_front()
        {
            let (post, notification) = (self.post.clone(), due.notification);
            let task = self.running.spawn(async move { post.deliver(&due).await });
            self.under_way.insert(task.id(), notification);
        }
        Ok(())
    }

    fn may_start_next(&mut self) -> bool {
        let now = Instant::now();
        !self.waiting.is_empty() && self.may_start() && self.breaker.admit(now).is_ok()
    }

    fn may_start(&mut self) -> bool {
        let now = Instant::now();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let start = self.next_start.max(earliest);
        if start <= now {
            self.next_start = start + START_EVERY;
        }
        start <= now
    }

    async fn look(&mut self) -> Result<(), QueryError> {
        self.looked_at = Some(Instant::now());
        let most = i64::try_from(BATCH_MAX).unwrap_or(i64::MAX);
        let due = self.post.read_models.due_notifications(Utc::now(), most).await?;
        self.poll = if due.len() == BATCH_MAX { POLL_IN_A_HURRY } else { POLL };
        // The read model may not know yet what is under way.
        let under_way = |due: &DueNotification| {
            self.under_way.values().any(|notification| *notification == due.notification)
        };
        self.waiting.extend(due.into_iter().filter(|due| !under_way(due)));
        Ok(())
    }

    /// Until the next look.
    fn pause(&self) -> Duration {
        self.looked_at.map_or(Duration::ZERO, |at| self.poll.saturating_sub(at.elapsed()))
    }

    /// Never, where nothing is under way.
    async fn something_ends(&mut self) {
        match self.running.join_next_with_id().await {
            Some(Ok((task, reach))) => self.ended(task, reach),
            Some(Err(error)) => {
                tracing::error!(%error, "a message ended without a result");
                self.ended(error.id(), Reach::NotCalled);
            }
            None => std::future::pending().await,
        }
    }

    fn ended(&mut self, task: task::Id, reach: Reach) {
        self.under_way.remove(&task);
        let now = Instant::now();
        match reach {
            Reach::Reached => self.breaker.report(true, now),
            Reach::Unreachable => self.breaker.report(false, now),
            Reach::NotCalled => self.breaker.withdraw(now),
        }
        MAIL_CIRCUIT_OPEN.set(i64::from(self.breaker.is_open()));
    }

    /// Lets what is under way come to its end, so that it is not sent again.
    async fn close(mut self) {
        let rest = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH_WITHIN, rest).await.is_err() {
            tracing::warn!("some mail was under way; it may be sent again");
        }
    }
}
