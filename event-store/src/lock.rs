//! The log's lock, held by a caller who catches up, decides, appends and commits in one
//! transaction.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, Postgres};
use uuid::Uuid;

use crate::batch::Batch;
use crate::error::AppendFailure;
use crate::heads::KnownHeads;
use crate::queued::QueuedAppend;
use crate::shared::Shared;
use crate::{
    Append, AppendOutcome, ExpectedHead, LoadedStream, PendingAppend, RecordedEvent, SnapshotKey,
    StoreError, read, snapshot, statement,
};

/// An expected head that no stream has, so an append that expects it conflicts.
const NOWHERE: i64 = -1;

/// A transaction that holds the log's lock: while it lives, no node appends anything else.
///
/// Be quick: Postgres ends the transaction when it has been idle for
/// [`crate::StoreOptions::idle_in_transaction_timeout`].  Dropping it rolls back.
pub struct LockedLog {
    shared: Arc<Shared>,
    connection: LockConnection,
    /// Sent, but not written yet.
    waiting: VecDeque<QueuedAppend>,
    /// Written, but not committed yet.
    written: Vec<(QueuedAppend, AppendOutcome)>,
    /// Whether a statement failed, so that the transaction can only be rolled back.
    has_failed: bool,
}

/// A connection that is returned to the pool only if its transaction is over. Otherwise, such as
/// after a cancelled future, it is closed, which rolls the transaction back.
struct LockConnection(Option<PoolConnection<Postgres>>);

impl LockConnection {
    async fn run(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.get()?.execute(sqlx::raw_sql(sql)).await?;
        Ok(())
    }

    fn get(&mut self) -> Result<&mut sqlx::PgConnection, StoreError> {
        self.0.as_deref_mut().ok_or(StoreError::Closed)
    }
}

impl Drop for LockConnection {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

impl LockedLog {
    pub(crate) async fn acquire(shared: Arc<Shared>) -> Result<LockedLog, StoreError> {
        let mut connection = LockConnection(Some(shared.pool.acquire().await?));
        connection.run("begin; select lock_log()").await?;
        Ok(LockedLog {
            shared,
            connection,
            waiting: VecDeque::new(),
            written: Vec::new(),
            has_failed: false,
        })
    }

    /// As [`crate::EventStore::load_many`].  No newer events can exist while the lock is held.
    ///
    /// # Errors
    /// As for [`crate::EventStore::load_many`].
    pub async fn load_many(
        &mut self,
        streams: &[(Uuid, i32)],
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let events = read::streams(self.connection.get()?, streams).await?;
        read::check_versions(&events, streams)?;
        self.shared.upcast_all(events)
    }

    /// As [`crate::EventStore::load_from_snapshots`].  No newer events can exist while the lock is
    /// held.
    ///
    /// # Errors
    /// As for [`crate::EventStore::load_from_snapshots`].
    pub async fn load_from_snapshots(
        &mut self,
        streams: &[SnapshotKey],
    ) -> Result<Vec<LoadedStream>, StoreError> {
        let loaded = snapshot::load(self.connection.get()?, streams).await?;
        self.shared.upcast_streams(loaded)
    }

    /// Queues an append after all that were sent before, for [`LockedLog::write`]. It gets its
    /// outcome when [`LockedLog::commit`] has succeeded, since until then it may still be rolled
    /// back.
    ///
    /// Its expected heads may be appends that were sent here before it, but not appends in the
    /// appender's queue: those can only be written after the lock is released, so this one
    /// conflicts.
    pub fn send(&mut self, append: Append) -> PendingAppend {
        let queued = QueuedAppend::new(append);
        let pending = queued.pending.clone();
        self.waiting.push_back(queued);
        pending
    }

    /// Writes the appends that were sent, in order, inside the transaction.
    ///
    /// # Errors
    /// If a statement failed.  Then the transaction can only be dropped.
    pub async fn write(&mut self) -> Result<(), StoreError> {
        while !self.waiting.is_empty() {
            self.resolve_expected_heads();
            let batch = Batch::take(&mut self.waiting, &KnownHeads::default(), self.shared.limits);
            if !batch.is_empty() {
                self.write_batch(batch).await?;
            } else if let Some(first) = self.waiting.pop_front()
                && let Some((stream_id, _)) = first.first_undecided()
            {
                self.written.push((first, AppendOutcome::Conflict { stream_id }));
            }
        }
        Ok(())
    }

    /// Sends appends, writes them, and returns their outcomes in the same order.  The outcomes are
    /// only true once [`LockedLog::commit`] has succeeded.
    ///
    /// # Errors
    /// If a statement failed.  Then the transaction can only be dropped.
    pub async fn append(&mut self, items: Vec<Append>) -> Result<Vec<AppendOutcome>, StoreError> {
        let sent: Vec<PendingAppend> = items.into_iter().map(|item| self.send(item)).collect();
        self.write().await?;
        let mut outcomes = Vec::with_capacity(sent.len());
        for pending in sent {
            outcomes.push(match self.written_outcome(&pending) {
                Some(outcome) => outcome.clone(),
                None => pending.outcome().await?,
            });
        }
        Ok(outcomes)
    }

    fn written_outcome(&self, pending: &PendingAppend) -> Option<&AppendOutcome> {
        let mut written = self.written.iter();
        written.find(|(item, _)| item.pending.is_same(pending)).map(|(_, outcome)| outcome)
    }

    /// Replaces expected heads that are appends of this transaction by their positions. The pending
    /// appends get no outcome before the commit, because callers outside the transaction would see
    /// it.
    fn resolve_expected_heads(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for (stream_id, expected) in
            waiting.iter_mut().flat_map(|item| &mut item.append.expected_heads)
        {
            if let ExpectedHead::Pending(pending) = expected
                && let Some(outcome) = self.written_outcome(pending)
            {
                let head = pending.head_after(*stream_id, outcome).unwrap_or(NOWHERE);
                *expected = ExpectedHead::Durable(head);
            }
        }
        self.waiting = waiting;
    }

    async fn write_batch(&mut self, batch: Batch) -> Result<(), StoreError> {
        let committed = self.shared.committed_head();
        // Set before the statement, because this future may be dropped while it runs.
        self.has_failed = true;
        let heads = KnownHeads::default();
        let answer = statement::append(self.connection.get()?, &batch, committed, &heads).await;
        let answer = answer.map_err(|error| match AppendFailure::from(&error) {
            AppendFailure::StopNode { head } => self.shared.stop_node(committed, head),
            _ => error.into(),
        })?;
        self.has_failed = false;
        let items = batch.items.into_iter().map(|item| item.queued);
        self.written.extend(items.zip(answer.outcomes));
        Ok(())
    }

    /// Makes everything written durable, releases the lock, and sets the outcomes of the appends.
    ///
    /// # Errors
    /// If the commit failed.  Then its outcome is unknown: send the same commands again.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.has_failed {
            let text = "a statement failed, so the transaction cannot be committed";
            return Err(sqlx::Error::Protocol(text.to_owned()).into());
        }
        self.connection.run("commit").await?;
        drop(self.connection.0.take());
        self.shared.announce(std::mem::take(&mut self.written));
        Ok(())
    }
}

impl fmt::Debug for LockedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedLog").field("written", &self.written.len()).finish_non_exhaustive()
    }
}
