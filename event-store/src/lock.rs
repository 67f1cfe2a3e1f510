//! The log's lock in a caller's hands: catch up, decide, append, commit in one transaction.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, Postgres};
use uuid::Uuid;

use crate::batch::Batch;
use crate::error::Trouble;
use crate::heads::Heads;
use crate::shared::Shared;
use crate::ticket::Queued;
use crate::{
    Append, Base, Loaded, Outcome, RecordedEvent, StoreError, Ticket, Wanted, read, snapshot,
    statement,
};

/// No stream's last event is here, so whatever rests on it conflicts.
const NOWHERE: i64 = -1;

/// While it lives, nobody else appends, on any node; be quick, for an idle transaction is ended after
/// [`crate::Options::idle_in_transaction_timeout`].  Dropping it rolls back.
pub struct LockedLog {
    shared: Arc<Shared>,
    connection: Connection,
    /// Sent, not yet written.
    waiting: VecDeque<Queued>,
    /// Written, not yet committed.
    written: Vec<(Queued, Outcome)>,
    /// A statement failed, so the transaction can only be rolled back.
    failed: bool,
}

/// Closed, not returned to the pool, unless its transaction is over: whatever a cancelled future left
/// half done ends with the connection.
struct Connection(Option<PoolConnection<Postgres>>);

impl Connection {
    async fn run(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.get()?.execute(sqlx::raw_sql(sql)).await?;
        Ok(())
    }

    fn get(&mut self) -> Result<&mut sqlx::PgConnection, StoreError> {
        self.0.as_deref_mut().ok_or(StoreError::Closed)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

impl LockedLog {
    pub(crate) async fn take(shared: Arc<Shared>) -> Result<LockedLog, StoreError> {
        let mut connection = Connection(Some(shared.pool.acquire().await?));
        connection.run("begin; select lock_log()").await?;
        Ok(LockedLog {
            shared,
            connection,
            waiting: VecDeque::new(),
            written: Vec::new(),
            failed: false,
        })
    }

    /// As [`crate::EventStore::load_many`]; nothing can be newer than what this returns.
    pub async fn load_many(
        &mut self,
        streams: &[(Uuid, i32)],
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let events = read::streams(self.connection.get()?, streams).await?;
        read::versions_follow(&events, streams)?;
        self.shared.upcast_all(events)
    }

    /// As [`crate::EventStore::load_from_snapshots`]; nothing can be newer than what this returns.
    pub async fn load_from_snapshots(
        &mut self,
        wanted: &[Wanted],
    ) -> Result<Vec<Loaded>, StoreError> {
        let loaded = snapshot::load(self.connection.get()?, wanted).await?;
        self.shared.upcast_loaded(loaded)
    }

    /// Queues an item behind everything sent before, for [`LockedLog::write`].  Its ticket is answered
    /// when [`LockedLog::commit`] has succeeded: until then nothing is sure to stay.
    ///
    /// An item may rest on any that was sent before it, but not on one in the appender's queue: that
    /// one needs the lock first, so this one conflicts.
    pub fn send(&mut self, append: Append) -> Ticket {
        let queued = Queued::new(append);
        let ticket = queued.ticket.clone();
        self.waiting.push_back(queued);
        ticket
    }

    /// Writes what was sent, in order, inside the transaction.
    ///
    /// # Errors
    /// After a failure the transaction can only be dropped.
    pub async fn write(&mut self) -> Result<(), StoreError> {
        while !self.waiting.is_empty() {
            self.place_bases();
            let batch = Batch::take(&mut self.waiting, &Heads::default(), self.shared.limits);
            if !batch.is_empty() {
                self.write_batch(batch).await?;
            } else if let Some(first) = self.waiting.pop_front()
                && let Some((stream_id, _)) = first.awaits()
            {
                self.written.push((first, Outcome::Conflict { stream_id }));
            }
        }
        Ok(())
    }

    /// Sends the items, writes them, and answers each in its place.  The answers stand only once
    /// [`LockedLog::commit`] has succeeded.
    ///
    /// # Errors
    /// After a failure the transaction can only be dropped.
    pub async fn append(&mut self, items: Vec<Append>) -> Result<Vec<Outcome>, StoreError> {
        let tickets: Vec<Ticket> = items.into_iter().map(|item| self.send(item)).collect();
        self.write().await?;
        let mut outcomes = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            outcomes.push(match self.outcome_of(&ticket) {
                Some(outcome) => outcome.clone(),
                None => ticket.outcome().await?,
            });
        }
        Ok(outcomes)
    }

    fn outcome_of(&self, ticket: &Ticket) -> Option<&Outcome> {
        let mut written = self.written.iter();
        written.find(|(item, _)| item.ticket.is(ticket)).map(|(_, outcome)| outcome)
    }

    /// Tells waiting items where their predecessors in this transaction left the streams: the tickets
    /// themselves must not say so to the rest of the node before the commit.
    fn place_bases(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for (stream_id, base) in waiting.iter_mut().flat_map(|item| &mut item.append.bases) {
            if let Base::Pending(ticket) = base
                && let Some(outcome) = self.outcome_of(ticket)
            {
                *base = Base::Durable(ticket.place(*stream_id, outcome).unwrap_or(NOWHERE));
            }
        }
        self.waiting = waiting;
    }

    async fn write_batch(&mut self, batch: Batch) -> Result<(), StoreError> {
        let seen = self.shared.seen();
        // Also when this future is dropped half-way.
        self.failed = true;
        let answer =
            statement::append(self.connection.get()?, &batch, seen, &Heads::default()).await;
        let answer = answer.map_err(|error| match Trouble::of(&error) {
            Trouble::LogWentBack { head } => self.shared.went_back(seen, head),
            _ => error.into(),
        })?;
        self.failed = false;
        let items = batch.items.into_iter().map(|item| item.queued);
        self.written.extend(items.zip(answer.outcomes));
        Ok(())
    }

    /// Makes everything written durable, gives the lock back, and answers the tickets.
    ///
    /// # Errors
    /// After a failure the outcome is unknown: send the same commands again.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed {
            let text = "a statement failed, so the transaction cannot be committed";
            return Err(sqlx::Error::Protocol(text.to_owned()).into());
        }
        self.connection.run("commit").await?;
        drop(self.connection.0.take());
        self.shared.settle(std::mem::take(&mut self.written));
        Ok(())
    }
}

impl fmt::Debug for LockedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedLog").field("written", &self.written.len()).finish_non_exhaustive()
    }
}
