//! The node's only writer: takes whatever waits, writes it with one statement, answers after the commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use sqlx::{Connection, PgConnection};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::batch::{Batch, Item, Limits};
use crate::error::Trouble;
use crate::heads::Heads;
use crate::shared::Shared;
use crate::statement::{self, Answer};
use crate::ticket::Queued;
use crate::{Outcome, StoreError, metrics, read};

pub(crate) struct Appender {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Queued>,
    closing: watch::Receiver<bool>,
    /// Taken from the queue and not written yet, in order.
    waiting: VecDeque<Queued>,
    /// Nobody knows of it yet: that is told while Postgres is busy with the next batch.
    untold: Written,
    heads: Heads,
    /// So many of the first waiting items are sent one by one, to find the bad one among them.
    suspects: usize,
    connection: Option<PgConnection>,
}

/// A batch that is in the log.
#[derive(Default)]
struct Written {
    items: Vec<(Queued, Outcome)>,
    /// Where the log ended then.
    head: i64,
}

impl Written {
    fn tell(self, shared: &Shared) {
        shared.settle(self.items);
        shared.saw(self.head);
    }
}

impl Appender {
    pub(crate) fn new(
        shared: Arc<Shared>,
        queue: mpsc::Receiver<Queued>,
        closing: watch::Receiver<bool>,
    ) -> Appender {
        Appender {
            shared,
            queue,
            closing,
            waiting: VecDeque::new(),
            untold: Written::default(),
            heads: Heads::default(),
            suspects: 0,
            connection: None,
        }
    }

    /// Runs until every sender is gone, or until told to close and the queue is empty.
    pub(crate) async fn run(mut self) {
        while self.fill().await {
            let limits = self.limits();
            let batch = Batch::take(&mut self.waiting, &self.heads, limits);
            if batch.is_empty() {
                self.tell();
                self.wait_for_another_store().await;
                continue;
            }
            self.suspects = self.suspects.saturating_sub(batch.items.len());
            if let Err(error) = self.write(batch).await {
                return self.refuse_all(error).await;
            }
        }
    }

    fn limits(&self) -> Limits {
        let limits = self.shared.limits;
        match self.suspects {
            0 => limits,
            _ => Limits { items: 1, ..limits },
        }
    }

    /// Takes what is there; waits only when there is nothing.  False: there will be nothing more.
    async fn fill(&mut self) -> bool {
        self.take_along();
        while self.waiting.is_empty() {
            self.tell();
            tokio::select! {
                queued = self.queue.recv() => match queued {
                    Some(queued) => self.waiting.push_back(queued),
                    None => return false,
                },
                // Gone without a word is as good as told to close: the queue drains either way.
                _ = self.closing.wait_for(|closing| *closing), if !self.queue.is_closed() => {
                    self.queue.close();
                }
            }
        }
        self.take_along();
        true
    }

    fn take_along(&mut self) {
        while self.waiting.len() < self.shared.limits.items
            && let Ok(queued) = self.queue.try_recv()
        {
            self.waiting.push_back(queued);
        }
    }

    /// Everything that waits was decided on tickets that no batch of ours will answer: another store's,
    /// or those of a transaction under the lock.
    async fn wait_for_another_store(&mut self) {
        let Some(ticket) = self.waiting.front().and_then(Queued::awaits) else {
            return;
        };
        let ticket = ticket.1.clone();
        tokio::select! {
            // Only that it is decided matters here.
            _ = ticket.outcome() => {}
            Some(queued) = self.queue.recv(), if !self.queue.is_closed() => {
                self.waiting.push_back(queued);
            }
        }
    }

    /// Sends the identical batch until its outcome is known.
    async fn write(&mut self, mut batch: Batch) -> Result<(), StoreError> {
        let mut backoff = Backoff::new();
        let mut troubled: Option<Instant> = None;
        metrics::BATCH_ITEMS.observe(batch.items.len() as f64);
        loop {
            let sent = Instant::now();
            match self.attempt(&batch).await {
                Ok(answer) => {
                    metrics::APPEND_SECONDS.observe(sent.elapsed().as_secs_f64());
                    if let Some(since) = troubled {
                        info!(seconds = since.elapsed().as_secs_f64(), "appending again");
                    }
                    self.settle(batch, answer);
                    return Ok(());
                }
                Err(Trouble::Passing(error)) => {
                    if troubled.is_none() {
                        warn!(%error, items = batch.items.len(), "cannot append; trying again");
                        troubled = Some(Instant::now());
                    }
                    metrics::FAILURES.inc();
                    self.connection = None;
                    self.heads.forget();
                    batch.items.iter_mut().for_each(|item| item.queued.resent = true);
                    backoff.wait().await;
                }
                Err(Trouble::Lasting(error)) => {
                    self.isolate(batch, error);
                    return Ok(());
                }
                Err(Trouble::LogWentBack { head }) => {
                    let error = self.shared.went_back(self.shared.seen(), head);
                    batch.items.iter().for_each(|item| item.queued.answer(Err(error.clone())));
                    return Err(error);
                }
            }
        }
    }

    async fn attempt(&mut self, batch: &Batch) -> Result<Answer, Trouble> {
        let (shared, untold) = (self.shared.clone(), std::mem::take(&mut self.untold));
        // The statement is on its way before the first word is said.
        let (attempt, ()) = tokio::join!(
            biased;
            timeout(shared.patience, self.send(batch)),
            async { untold.tell(&shared) },
        );
        attempt.map_err(|_| Trouble::unanswered())?.map_err(|error| Trouble::of(&error))
    }

    async fn send(&mut self, batch: &Batch) -> Result<Answer, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(PgConnection::connect_with(&self.shared.connection).await?),
        };
        let seen = self.shared.seen();
        let mut answer = statement::append(connection, batch, seen, &self.heads).await?;
        for (item, outcome) in batch.items.iter().zip(&mut answer.outcomes) {
            if item.queued.resent && matches!(outcome, Outcome::Duplicate { .. }) {
                claim(connection, item, outcome).await?;
            }
        }
        Ok(answer)
    }

    fn settle(&mut self, batch: Batch, answer: Answer) {
        let Answer { outcomes, before, head } = answer;
        // An item that was claimed lies somewhere before, and others may have written since.
        if !batch.items.iter().any(|item| item.queued.resent) {
            self.heads.learn(before, head, batch.items.iter().zip(&outcomes));
        }
        let items = batch.items.into_iter().map(|item| item.queued);
        self.untold = Written { items: items.zip(outcomes).collect(), head };
        for (queued, outcome) in &self.untold.items {
            queued.ticket.decide(Ok(outcome.clone()));
        }
    }

    fn tell(&mut self) {
        std::mem::take(&mut self.untold).tell(&self.shared);
    }

    /// A statement failed for good.  Of several items, each is tried alone; a single one was the bad one.
    fn isolate(&mut self, mut batch: Batch, error: String) {
        if let [item] = batch.items.as_slice() {
            return item.queued.answer(Err(StoreError::Rejected(error)));
        }
        self.suspects = batch.items.len();
        for item in batch.items.drain(..).rev() {
            self.waiting.push_front(item.queued);
        }
    }

    async fn refuse_all(mut self, error: StoreError) {
        self.queue.close();
        for queued in self.waiting.drain(..) {
            queued.answer(Err(error.clone()));
        }
        while let Some(queued) = self.queue.recv().await {
            queued.answer(Err(error.clone()));
        }
    }
}

/// A duplicate may be our own: the statement was committed and its answer lost.
async fn claim(
    connection: &mut PgConnection,
    item: &Item,
    outcome: &mut Outcome,
) -> Result<(), sqlx::Error> {
    let append = &item.queued.append;
    let stored = read::command(connection, append.command.id).await?;
    let same = stored.len() == append.events.len()
        && stored.iter().zip(&append.events).all(|(stored, sent)| {
            stored.stream_id == sent.stream_id
                && stored.version == sent.version
                && stored.payload == sent.payload
        });
    if let ([first, .., last] | [first @ last], true) = (stored.as_slice(), same) {
        *outcome = Outcome::Appended {
            first: first.position,
            last: last.position,
            recorded_at: first.recorded_at,
        };
    }
    Ok(())
}
