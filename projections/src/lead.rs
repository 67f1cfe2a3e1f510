//! A projection at work, for as long as the lease is its own.

use std::sync::Arc;
use std::time::Duration;

use event_store::StoreError;
use event_store::lease::{self, Lease, LeaseError};
use sqlx::AssertSqlSafe;
use tokio::time::{Instant, timeout};

use crate::backoff::Backoff;
use crate::connection::Connection;
use crate::feed::Entry;
use crate::fold::{Fold, FoldError};
use crate::projection::Projection;
use crate::runner::Worker;

/// Events without a row move the checkpoint too, but not each with a transaction of its own.
const CHECKPOINT_LAG: Duration = Duration::from_millis(50);
/// Longer than any statement may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Why the work ended.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Somebody else took over.
    Lost,
    /// It may work later.
    Passing(String),
    /// It will never work, as things are.
    Stop { lease: Lease, position: i64, reason: String },
}

pub(crate) struct Lead<'a, P: Projection> {
    worker: &'a Worker,
    connection: Connection,
    lease: Lease,
    renewed: Instant,
    /// Of the last event that was folded; its rows are written.
    position: i64,
    /// As the lease has it.
    checkpoint: i64,
    /// Since when the checkpoint is behind the position: the events between had no rows.
    behind_since: Option<Instant>,
    fold: Fold<P>,
    /// See [`save_and_advance`].
    save_and_advance: Arc<str>,
    /// Events to read next; fewer after a failure, to find the one that is to blame.
    limit: usize,
    /// The projection had stopped here, so the first progress is worth a word.
    has_stopped: bool,
}

impl<'a, P: Projection> Lead<'a, P> {
    pub(crate) fn new(
        worker: &'a Worker,
        connection: Connection,
        lease: Lease,
        has_stopped: bool,
    ) -> Self {
        let position = lease.checkpoint;
        worker.read_models.progress.is_at(worker.model, position);
        Lead {
            worker,
            connection,
            lease,
            renewed: Instant::now(),
            position,
            checkpoint: position,
            behind_since: None,
            fold: Fold::new(),
            save_and_advance: save_and_advance::<P>().into(),
            limit: worker.options.batch_events,
            has_stopped,
        }
    }

    /// Until it is told to stop or cannot go on.
    pub(crate) async fn work(mut self, backoff: &mut Backoff) -> Result<(), Fault> {
        let ended = self.follow(backoff).await;
        if let Ok(()) | Err(Fault::Stop { .. }) = &ended {
            // Whoever looks at a stopped projection is to see how far it came.
            self.write_checkpoint().await?;
        }
        ended?;
        Ok(patiently(lease::release(self.pool(), &self.lease)).await??)
    }

    async fn follow(&mut self, backoff: &mut Backoff) -> Result<(), Fault> {
        let mut stopping = self.worker.stopping.clone();
        while !self.worker.is_stopping() {
            self.renew().await?;
            tokio::select! {
                () = self.worker.feed.wait_for_event_after(self.position, self.patience()) => {}
                _ = stopping.changed() => continue,
            }
            let began = Instant::now();
            let entries = self.read().await?;
            if !entries.is_empty() {
                self.project(&entries).await?;
                *backoff = Backoff::new();
            }
            if self.behind_since.is_some_and(|since| since.elapsed() >= CHECKPOINT_LAG) {
                self.write_checkpoint().await?;
            }
            if entries.len() < self.limit {
                self.worker.pause(self.worker.options.pace.saturating_sub(began.elapsed())).await;
            }
        }
        Ok(())
    }

    fn pool(&self) -> &'a sqlx::PgPool {
        self.worker.feed.store().pool()
    }

    /// How long nothing needs to be done, unless there are events.
    fn patience(&self) -> Duration {
        match self.behind_since {
            Some(since) => CHECKPOINT_LAG.saturating_sub(since.elapsed()),
            None => self.worker.options.renew_every.saturating_sub(self.renewed.elapsed()),
        }
    }

    async fn renew(&mut self) -> Result<(), Fault> {
        let options = &self.worker.options;
        if self.renewed.elapsed() >= options.renew_every {
            let began = Instant::now();
            patiently(lease::renew(self.pool(), &self.lease, options.lease_ttl)).await??;
            self.renewed = began;
        }
        Ok(())
    }

    async fn read(&self) -> Result<Vec<Arc<Entry>>, Fault> {
        let read = self.worker.feed.read(self.position, self.limit);
        patiently(read).await?.map_err(|error| match error {
            StoreError::Hole { after } => self.stop(after + 1, error.to_string()),
            StoreError::Upcast { position, .. } => self.stop(position, error.to_string()),
            error => Fault::Passing(error.to_string()),
        })
    }

    fn stop(&self, position: i64, reason: String) -> Fault {
        Fault::Stop { lease: self.lease.clone(), position, reason }
    }

    /// Folds the events and writes their rows; when they are to blame for a failure, fewer are
    /// read next, until the one is found.
    async fn project(&mut self, entries: &[Arc<Entry>]) -> Result<(), Fault> {
        let (culprit, reason) = match patiently(self.fold_and_write(entries)).await? {
            Ok(()) => {
                self.limit = (self.limit * 2).min(self.worker.options.batch_events);
                return Ok(());
            }
            Err(Trouble::Fault(fault)) => return Err(fault),
            Err(Trouble::Events { culprit, reason }) => (culprit, reason),
        };
        self.fold = Fold::new();
        // The failure may have come before the transaction began; then this changes nothing.
        patiently(self.connection.run("rollback")).await??;
        let first = self.position + 1;
        let good = match culprit {
            Some(position) => usize::try_from(position - first).unwrap_or_default(),
            None => entries.len() / 2,
        };
        if good == 0 {
            return Err(self.stop(first, reason));
        }
        self.limit = good;
        Ok(())
    }

    async fn fold_and_write(&mut self, entries: &[Arc<Entry>]) -> Result<(), Trouble> {
        let Some(last) = entries.last() else { return Ok(()) };
        self.fold.apply(&mut self.connection, entries).await?;
        let to = last.position();
        if self.fold.dirty() > 0 || self.has_stopped {
            self.write(to).await?;
        } else {
            self.behind_since.get_or_insert_with(Instant::now);
        }
        self.position = to;
        self.fold.trim(self.worker.options.hot_rows);
        self.worker.read_models.progress.is_at(self.worker.model, to);
        Ok(())
    }

    /// Rows and checkpoint move in one transaction, or neither does.
    async fn write(&mut self, to: i64) -> Result<(), Trouble> {
        if self.has_stopped || !self.write_at_once(to).await? {
            self.write_step_by_step(to).await?;
        }
        self.checkpoint = to;
        self.behind_since = None;
        self.has_stopped = false;
        Ok(())
    }

    /// Most batches come to one statement, which is a transaction of its own: one round trip
    /// instead of four. Answers whether this is such a batch.
    async fn write_at_once(&mut self, to: i64) -> Result<bool, Trouble> {
        let Some(rows) = self.fold.take_for_one_statement() else { return Ok(false) };
        let save = sqlx::query(AssertSqlSafe(self.save_and_advance.clone()));
        P::table()
            .bind(save, &rows)?
            .bind(&self.lease.name)
            .bind(self.lease.epoch)
            .bind(self.checkpoint)
            .bind(to)
            .execute(&mut *self.connection)
            .await?;
        Ok(true)
    }

    async fn write_step_by_step(&mut self, to: i64) -> Result<(), Trouble> {
        self.connection.run("begin").await?;
        self.fold.flush(&mut self.connection).await?;
        self.advance(to).await?;
        if self.has_stopped {
            sqlx::query("update leases set stopped_because = null where name = $1")
                .bind(&self.lease.name)
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(self.connection.run("commit").await?)
    }

    /// Tells the other nodes of events that left no row.
    async fn write_checkpoint(&mut self) -> Result<(), Fault> {
        if self.behind_since.is_some() {
            patiently(self.advance(self.position)).await??;
            self.checkpoint = self.position;
            self.behind_since = None;
        }
        Ok(())
    }

    /// Moves the lease's checkpoint, unless somebody else took over.
    async fn advance(&mut self, to: i64) -> Result<(), LeaseError> {
        lease::advance_checkpoint(&mut self.connection, &self.lease, self.checkpoint, to).await
    }
}

/// The statement that writes rows and moves the checkpoint; it fails when the lease is lost. The
/// lease's parameters follow those of the rows.
fn save_and_advance<P: Projection>() -> String {
    let (save, last) = (P::table().save_statement(), P::table().parameters());
    let [name, epoch, from, to] = [1, 2, 3, 4].map(|n| last + n);
    format!("with saved as ({save}) select advance_lease(${name}, ${epoch}, ${from}, ${to})")
}

/// Why a batch was not written.
enum Trouble {
    Fault(Fault),
    /// One of the events is to blame; this one, if that is known.
    Events {
        culprit: Option<i64>,
        reason: String,
    },
}

/// Gives up on a connection that died quietly.
pub(crate) async fn patiently<T>(work: impl Future<Output = T>) -> Result<T, Fault> {
    let unanswered = |_| Fault::Passing("no answer in time".to_owned());
    timeout(PATIENCE, work).await.map_err(unanswered)
}

impl From<LeaseError> for Fault {
    fn from(error: LeaseError) -> Fault {
        match error {
            LeaseError::Lost { .. } => Fault::Lost,
            LeaseError::TimedOut { .. } => Fault::Passing(error.to_string()),
            LeaseError::Database(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Fault {
        Fault::Passing(error.to_string())
    }
}

impl From<LeaseError> for Trouble {
    fn from(error: LeaseError) -> Trouble {
        Trouble::Fault(error.into())
    }
}

impl From<FoldError> for Trouble {
    fn from(error: FoldError) -> Trouble {
        let reason = error.to_string();
        match error {
            FoldError::Poison { position, .. } => {
                Trouble::Events { culprit: Some(position), reason }
            }
            FoldError::Database(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Trouble {
        if lease::is_lost(&error) {
            return Trouble::Fault(Fault::Lost);
        }
        if is_lasting(&error) {
            return Trouble::Events { culprit: None, reason: error.to_string() };
        }
        Trouble::Fault(error.into())
    }
}

/// Whether the same statement will fail again: its data is at fault, a constraint, or the table.
fn is_lasting(error: &sqlx::Error) -> bool {
    use sqlx::Error::{ColumnDecode, ColumnNotFound, Decode, Encode};
    match error {
        sqlx::Error::Database(database) => {
            let state = database.code().unwrap_or_default().into_owned();
            ["22", "23", "42"].contains(&state.get(..2).unwrap_or_default())
        }
        Encode(_) | Decode(_) | ColumnDecode { .. } | ColumnNotFound(_) => true,
        _ => false,
    }
}
