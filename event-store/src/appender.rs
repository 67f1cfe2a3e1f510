//! The node's only writer: it takes all waiting appends, writes them with one statement, and
//! answers them after the commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use sqlx::{Connection, PgConnection};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::batch::{Batch, BatchItem, BatchLimits};
use crate::error::AppendFailure;
use crate::heads::KnownHeads;
use crate::queued::QueuedAppend;
use crate::shared::Shared;
use crate::statement::{self, BatchAnswer};
use crate::{AppendOutcome, StoreError, metrics, read};

pub(crate) struct Appender {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<QueuedAppend>,
    closing: watch::Receiver<bool>,
    /// Appends that were taken from the queue and are not written yet, in order.
    waiting: VecDeque<QueuedAppend>,
    /// Committed, but not announced yet. It is announced while Postgres works on the next batch.
    unannounced: WrittenBatch,
    heads: KnownHeads,
    /// Number of waiting items, from the first on, that are sent one by one to find the one that
    /// made a statement fail.
    suspects: usize,
    connection: Option<PgConnection>,
}

/// A batch that is committed.
#[derive(Default)]
struct WrittenBatch {
    items: Vec<(QueuedAppend, AppendOutcome)>,
    /// The position of the log's last event after the commit.
    head: i64,
}

impl WrittenBatch {
    fn announce(self, shared: &Shared) {
        shared.announce(self.items);
        shared.raise_committed_head(self.head);
    }
}

impl Appender {
    pub(crate) fn new(
        shared: Arc<Shared>,
        queue: mpsc::Receiver<QueuedAppend>,
        closing: watch::Receiver<bool>,
    ) -> Appender {
        Appender {
            shared,
            queue,
            closing,
            waiting: VecDeque::new(),
            unannounced: WrittenBatch::default(),
            heads: KnownHeads::default(),
            suspects: 0,
            connection: None,
        }
    }

    /// Runs until every sender is dropped, or until the store closes and the queue is empty.
    pub(crate) async fn run(mut self) {
        while self.fill().await {
            let limits = self.limits();
            let batch = Batch::take(&mut self.waiting, &self.heads, limits);
            if batch.is_empty() {
                self.announce();
                self.wait_for_other_appends().await;
                continue;
            }
            self.suspects = self.suspects.saturating_sub(batch.items.len());
            if let Err(error) = self.write(batch).await {
                return self.answer_all(error).await;
            }
        }
    }

    fn limits(&self) -> BatchLimits {
        let limits = self.shared.limits;
        if self.suspects == 0 { limits } else { BatchLimits { items: 1, ..limits } }
    }

    /// Takes appends from the queue, and waits only if there are none. Returns false once no more
    /// can come.
    async fn fill(&mut self) -> bool {
        self.take_queued();
        while self.waiting.is_empty() {
            self.announce();
            tokio::select! {
                queued = self.queue.recv() => match queued {
                    Some(queued) => self.waiting.push_back(queued),
                    None => return false,
                },
                // If all senders are dropped, the store is closing too: the queue drains in both
                // cases.
                _ = self.closing.wait_for(|closing| *closing), if !self.queue.is_closed() => {
                    self.queue.close();
                }
            }
        }
        self.take_queued();
        true
    }

    /// Takes what is in the queue, without waiting.
    fn take_queued(&mut self) {
        while self.waiting.len() < self.shared.limits.items
            && let Ok(queued) = self.queue.try_recv()
        {
            self.waiting.push_back(queued);
        }
    }

    /// Waits if all waiting appends depend on appends that this appender does not write: those of
    /// another store, or of a transaction under the log's lock.
    async fn wait_for_other_appends(&mut self) {
        let Some((_, pending)) = self.waiting.front().and_then(QueuedAppend::first_undecided)
        else {
            return;
        };
        let pending = pending.clone();
        tokio::select! {
            // Only whether there is an outcome matters here.
            _ = pending.outcome() => {}
            Some(queued) = self.queue.recv(), if !self.queue.is_closed() => {
                self.waiting.push_back(queued);
            }
        }
    }

    /// Sends the identical batch until its outcome is known.
    async fn write(&mut self, mut batch: Batch) -> Result<(), StoreError> {
        let mut backoff = Backoff::DATABASE;
        let mut failing_since: Option<Instant> = None;
        metrics::BATCH_ITEMS.observe(batch.items.len() as f64);
        loop {
            let sent = Instant::now();
            match self.attempt(&batch).await {
                Ok(answer) => {
                    metrics::APPEND_SECONDS.observe(sent.elapsed().as_secs_f64());
                    if let Some(since) = failing_since {
                        info!(seconds = since.elapsed().as_secs_f64(), "appending works again");
                    }
                    self.accept(batch, answer);
                    return Ok(());
                }
                Err(AppendFailure::Retry(error)) => {
                    if failing_since.is_none() {
                        warn!(%error, items = batch.items.len(), "cannot append; sending the batch again");
                        failing_since = Some(Instant::now());
                    }
                    metrics::FAILURES.inc();
                    self.connection = None;
                    self.heads.clear();
                    batch.items.iter_mut().for_each(|item| item.queued.is_resent = true);
                    backoff.wait().await;
                }
                Err(AppendFailure::Reject(error)) => {
                    self.isolate(batch, error);
                    return Ok(());
                }
                Err(AppendFailure::StopNode { head }) => {
                    let error = self.shared.stop_node(self.shared.committed_head(), head);
                    batch.items.iter().for_each(|item| item.queued.answer(Err(error.clone())));
                    return Err(error);
                }
            }
        }
    }

    async fn attempt(&mut self, batch: &Batch) -> Result<BatchAnswer, AppendFailure> {
        let (shared, unannounced) = (self.shared.clone(), std::mem::take(&mut self.unannounced));
        // The statement is sent before the last batch is announced.
        let (attempt, ()) = tokio::join!(
            biased;
            timeout(shared.append_limit, self.send(batch)),
            async { unannounced.announce(&shared) },
        );
        let answer = attempt.map_err(|_| AppendFailure::timed_out())?;
        answer.map_err(|error| AppendFailure::from(&error))
    }

    async fn send(&mut self, batch: &Batch) -> Result<BatchAnswer, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(PgConnection::connect_with(&self.shared.connection).await?),
        };
        let committed = self.shared.committed_head();
        let mut answer = statement::append(connection, batch, committed, &self.heads).await?;
        for (item, outcome) in batch.items.iter().zip(&mut answer.outcomes) {
            if item.queued.is_resent && matches!(outcome, AppendOutcome::Duplicate { .. }) {
                claim_own_duplicate(connection, item, outcome).await?;
            }
        }
        Ok(answer)
    }

    fn accept(&mut self, batch: Batch, answer: BatchAnswer) {
        let BatchAnswer { outcomes, before, head } = answer;
        // An item that an earlier attempt had written is further back in the log, and other nodes
        // may have written since.
        if !batch.items.iter().any(|item| item.queued.is_resent) {
            let written = batch.items.iter().zip(&outcomes);
            let heads = written.flat_map(|(item, outcome)| item.heads_after(outcome));
            self.heads.learn(before, head, heads);
        }
        let items = batch.items.into_iter().map(|item| item.queued);
        self.unannounced = WrittenBatch { items: items.zip(outcomes).collect(), head };
        for (queued, outcome) in &self.unannounced.items {
            queued.pending.set_outcome(Ok(outcome.clone()));
        }
    }

    fn announce(&mut self) {
        std::mem::take(&mut self.unannounced).announce(&self.shared);
    }

    /// Handles a statement that fails every time. If it had several items, each is sent alone next;
    /// a single item is rejected.
    fn isolate(&mut self, mut batch: Batch, error: String) {
        if let [item] = batch.items.as_slice() {
            return item.queued.answer(Err(StoreError::Rejected(error)));
        }
        self.suspects = batch.items.len();
        for item in batch.items.drain(..).rev() {
            self.waiting.push_front(item.queued);
        }
    }

    /// Answers everything that waits, and everything still sent, with the error that stopped this
    /// node.
    async fn answer_all(mut self, error: StoreError) {
        self.queue.close();
        for queued in self.waiting.drain(..) {
            queued.answer(Err(error.clone()));
        }
        while let Some(queued) = self.queue.recv().await {
            queued.answer(Err(error.clone()));
        }
    }
}

/// If an earlier attempt was committed and its answer was lost, the resent item is a duplicate of
/// itself. Then its outcome is `Appended`.
async fn claim_own_duplicate(
    connection: &mut PgConnection,
    item: &BatchItem,
    outcome: &mut AppendOutcome,
) -> Result<(), sqlx::Error> {
    let append = &item.queued.append;
    let stored = read::command(connection, append.command.id).await?;
    let is_own = stored.len() == append.events.len()
        && stored.iter().zip(&append.events).all(|(stored, sent)| {
            stored.stream_id == sent.stream_id
                && stored.version == sent.version
                && stored.payload == sent.payload
        });
    if let ([first, .., last] | [first @ last], true) = (stored.as_slice(), is_own) {
        *outcome = AppendOutcome::Appended {
            first: first.position,
            last: last.position,
            recorded_at: first.recorded_at,
        };
    }
    Ok(())
}
