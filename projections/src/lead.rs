//! A projection while this node leads it.

use std::sync::Arc;
use std::time::Duration;

use event_store::leader::Leadership;
use event_store::lease::{self, LeaseError};
use event_store::{StoreError, time_limits};
use sqlx::AssertSqlSafe;
use tokio::time::{Instant, timeout};

use crate::connection::ProjectorConnection;
use crate::feed::LogEntry;
use crate::fold::{Fold, FoldError};
use crate::projection::Projection;
use crate::worker::ProjectionTask;

/// Interval at which the checkpoint is written while events change no row, so that not each of them
/// takes a transaction.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(50);

/// Why a projection stopped, named by what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectionError {
    /// Do nothing: another node leads.
    #[error("another node leads")]
    LeaseLost,
    /// Try again: it may succeed later.
    #[error("{0}")]
    Retry(String),
    /// Halt until a person has acted: this event fails every time.
    #[error("halted at position {position}: {reason}")]
    Halt { position: i64, reason: String },
}

/// What a projector has in memory while it leads.
pub(crate) struct ProjectionRun<'a, P: Projection> {
    worker: &'a ProjectionTask,
    leadership: &'a mut Leadership,
    connection: ProjectorConnection,
    /// The position of the last event that was folded; its rows are written.
    position: i64,
    /// Since when the checkpoint is behind the position, because the events between changed no row.
    behind_since: Option<Instant>,
    fold: Fold<P>,
    /// The statement of [`save_and_advance`].
    save_and_advance: Arc<str>,
    /// How many events to read next: fewer after a failure, to find the event that caused it.
    limit: usize,
    /// Whether the lease records that the projection is halted; the next batch that is written
    /// removes that.
    was_halted: bool,
}

impl<'a, P: Projection> ProjectionRun<'a, P> {
    pub(crate) fn new(
        worker: &'a ProjectionTask,
        leadership: &'a mut Leadership,
        connection: ProjectorConnection,
        was_halted: bool,
    ) -> Self {
        let position = leadership.checkpoint();
        worker.read_models.progress.is_at(worker.model, position);
        ProjectionRun {
            worker,
            leadership,
            connection,
            position,
            behind_since: None,
            fold: Fold::new(),
            save_and_advance: save_and_advance::<P>().into(),
            limit: worker.options.batch_events,
            was_halted,
        }
    }

    /// Projects until it is asked to stop, or until it fails.
    pub(crate) async fn project(mut self) -> Result<(), ProjectionError> {
        let ended = self.follow().await;
        if let Ok(()) | Err(ProjectionError::Halt { .. }) = &ended {
            // The checkpoint is written after a failure too, so that people can see how far a
            // halted projection came.
            self.write_checkpoint().await?;
        }
        ended
    }

    async fn follow(&mut self) -> Result<(), ProjectionError> {
        while !self.worker.stop.is_cancelled() {
            self.leadership.renew_if_due().await?;
            tokio::select! {
                () = self.worker.feed.wait_for_event_after(self.position, self.until_next_duty()) => {}
                () = self.worker.stop.cancelled() => continue,
            }
            let began = Instant::now();
            let entries = self.read().await?;
            if !entries.is_empty() {
                self.project_batch(&entries).await?;
            }
            if self.behind_since.is_some_and(|since| since.elapsed() >= CHECKPOINT_INTERVAL) {
                self.write_checkpoint().await?;
            }
            if entries.len() < self.limit {
                self.worker.pause(self.worker.options.pace.saturating_sub(began.elapsed())).await;
            }
        }
        Ok(())
    }

    /// How long the projection can wait, if no event is appended.
    fn until_next_duty(&self) -> Duration {
        match self.behind_since {
            Some(since) => CHECKPOINT_INTERVAL.saturating_sub(since.elapsed()),
            None => self.leadership.until_renewal(),
        }
    }

    async fn read(&self) -> Result<Vec<Arc<LogEntry>>, ProjectionError> {
        in_time(self.worker.feed.read(self.position, self.limit)).await
    }

    /// Folds the events and writes their rows. If an event caused a failure, fewer events are read
    /// next, until that event is the only one.
    async fn project_batch(&mut self, entries: &[Arc<LogEntry>]) -> Result<(), ProjectionError> {
        let written = timeout(time_limits::QUERY, self.fold_and_write(entries)).await;
        let (culprit, reason) = match written.unwrap_or_else(|_| Err(timed_out().into())) {
            Ok(()) => {
                self.limit = (self.limit * 2).min(self.worker.options.batch_events);
                return Ok(());
            }
            Err(BatchError::Projection(error)) => return Err(error),
            Err(BatchError::Poison { culprit, reason }) => (culprit, reason),
        };
        self.fold = Fold::new();
        // If the failure came before the transaction began, the rollback does nothing.
        in_time(self.connection.run("rollback")).await?;
        let first = self.position + 1;
        let good = match culprit {
            Some(position) => usize::try_from(position - first).unwrap_or_default(),
            None => entries.len() / 2,
        };
        if good == 0 {
            return Err(halt(first, reason));
        }
        self.limit = good;
        Ok(())
    }

    async fn fold_and_write(&mut self, entries: &[Arc<LogEntry>]) -> Result<(), BatchError> {
        let Some(last) = entries.last() else { return Ok(()) };
        self.fold.apply(&mut self.connection, entries).await?;
        let to = last.position();
        if self.fold.dirty() > 0 || self.was_halted {
            self.write(to).await?;
        } else {
            self.behind_since.get_or_insert_with(Instant::now);
        }
        self.position = to;
        self.fold.trim(self.worker.options.hot_rows);
        self.worker.read_models.progress.is_at(self.worker.model, to);
        Ok(())
    }

    /// Writes the rows and the checkpoint in one transaction.
    async fn write(&mut self, to: i64) -> Result<(), BatchError> {
        if self.was_halted || !self.write_at_once(to).await? {
            self.write_step_by_step(to).await?;
        }
        self.leadership.has_advanced(to);
        self.behind_since = None;
        self.was_halted = false;
        Ok(())
    }

    /// Writes a batch for which one statement is enough, and which is a transaction of its own: one
    /// round trip instead of four. Returns false, and writes nothing, if several statements are
    /// needed.
    async fn write_at_once(&mut self, to: i64) -> Result<bool, BatchError> {
        let Some(rows) = self.fold.take_for_one_statement() else { return Ok(false) };
        let save = sqlx::query(AssertSqlSafe(self.save_and_advance.clone()));
        P::table()
            .bind(save, &rows)?
            .bind(self.leadership.name())
            .bind(self.leadership.epoch())
            .bind(self.leadership.checkpoint())
            .bind(to)
            .execute(&mut *self.connection)
            .await?;
        Ok(true)
    }

    async fn write_step_by_step(&mut self, to: i64) -> Result<(), BatchError> {
        self.connection.run("begin").await?;
        self.fold.flush(&mut self.connection).await?;
        self.leadership.advance_in(&mut self.connection, to).await?;
        if self.was_halted {
            sqlx::query("update leases set stopped_because = null where name = $1")
                .bind(self.leadership.name())
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(self.connection.run("commit").await?)
    }

    /// Moves the checkpoint past events that changed no row.
    async fn write_checkpoint(&mut self) -> Result<(), ProjectionError> {
        if self.behind_since.is_some() {
            in_time(self.leadership.advance_in(&mut self.connection, self.position)).await?;
            self.leadership.has_advanced(self.position);
            self.behind_since = None;
        }
        Ok(())
    }
}

fn halt(position: i64, reason: String) -> ProjectionError {
    ProjectionError::Halt { position, reason }
}

/// The statement that writes rows and moves the checkpoint; it fails if the lease is lost. The
/// lease's parameters follow those of the rows.
fn save_and_advance<P: Projection>() -> String {
    let (save, last) = (P::table().save_statement(), P::table().parameters());
    let [name, epoch, from, to] = [1, 2, 3, 4].map(|n| last + n);
    format!("with saved as ({save}) select advance_lease(${name}, ${epoch}, ${from}, ${to})")
}

/// Why a batch was not written.
enum BatchError {
    Projection(ProjectionError),
    /// One of the events caused it; `culprit` is its position, if that is known.
    Poison {
        culprit: Option<i64>,
        reason: String,
    },
}

/// Waits for an answer with a time limit, since a server may hang.
pub(crate) async fn in_time<T, E>(
    question: impl Future<Output = Result<T, E>>,
) -> Result<T, ProjectionError>
where
    ProjectionError: From<E>,
{
    match timeout(time_limits::QUERY, question).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(timed_out()),
    }
}

fn timed_out() -> ProjectionError {
    ProjectionError::Retry("Postgres did not answer in time".to_owned())
}

impl From<StoreError> for ProjectionError {
    fn from(error: StoreError) -> ProjectionError {
        match error {
            StoreError::Hole { after } => halt(after + 1, error.to_string()),
            StoreError::Upcast { position, .. } => halt(position, error.to_string()),
            error => ProjectionError::Retry(error.to_string()),
        }
    }
}

impl From<LeaseError> for ProjectionError {
    fn from(error: LeaseError) -> ProjectionError {
        match error {
            LeaseError::Lost { .. } => ProjectionError::LeaseLost,
            error => ProjectionError::Retry(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for ProjectionError {
    fn from(error: sqlx::Error) -> ProjectionError {
        ProjectionError::Retry(error.to_string())
    }
}

impl From<ProjectionError> for BatchError {
    fn from(error: ProjectionError) -> BatchError {
        BatchError::Projection(error)
    }
}

impl From<LeaseError> for BatchError {
    fn from(error: LeaseError) -> BatchError {
        BatchError::Projection(error.into())
    }
}

impl From<FoldError> for BatchError {
    fn from(error: FoldError) -> BatchError {
        let reason = error.to_string();
        match error {
            FoldError::Poison { position, .. } => {
                BatchError::Poison { culprit: Some(position), reason }
            }
            FoldError::Database(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for BatchError {
    fn from(error: sqlx::Error) -> BatchError {
        if lease::is_lost(&error) {
            return BatchError::Projection(ProjectionError::LeaseLost);
        }
        if will_fail_again(&error) {
            return BatchError::Poison { culprit: None, reason: error.to_string() };
        }
        BatchError::Projection(error.into())
    }
}

/// Whether the same statement would fail every time: because of its data, a constraint, or the
/// table.
fn will_fail_again(error: &sqlx::Error) -> bool {
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
