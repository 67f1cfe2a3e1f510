//! The rebuild of one read model, step by step.

use std::sync::Arc;
use std::time::Instant;

use event_store::{Backoff, EventStore};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tracing::warn;

use super::compare::compare;
use super::reading::{EntryPages, read};
use super::shadow::{Live, Shadow};
use super::{Comparison, RebuildError, RebuildMode, RebuildOptions, RebuildReport};
use crate::feed::LogEntry;
use crate::fold::Fold;
use crate::model::ReadModel;
use crate::projection::Projection;

/// How often a swap is tried. An attempt ends if another transaction holds the table for long.
const SWAPS: usize = 10;

/// The task to rebuild one read model.
pub(super) struct Job {
    pub(super) store: EventStore,
    pub(super) model: ReadModel,
    pub(super) options: RebuildOptions,
    /// The position of the last event that the pages contain.
    pub(super) head: i64,
    /// Limits how many builds create indexes and compare at the same time.
    pub(super) finishing: Arc<Semaphore>,
    /// Becomes true when the rebuild is interrupted.
    pub(super) stopping: watch::Receiver<bool>,
}

/// A rebuild whose shadow table is being filled.
struct Build<P: Projection> {
    store: EventStore,
    model: ReadModel,
    options: RebuildOptions,
    shadow: Shadow,
    fold: Fold<P>,
    position: i64,
}

/// Drops the shadow table however the rebuild ends. The rebuild cannot be interrupted while the
/// tables are swapped.
pub(super) async fn rebuild<P: Projection>(
    job: Job,
    pages: EntryPages,
) -> Result<RebuildReport, RebuildError> {
    let began = Instant::now();
    let Job { store, model, options, head, finishing, mut stopping } = job;
    let shadow = Shadow::open(store.pool(), model, P::table().name).await?;
    let mut build = Build::<P> { store, model, options, shadow, fold: Fold::new(), position: 0 };
    let prepared = tokio::select! {
        prepared = build.prepare(pages, head, &finishing) => prepared,
        Ok(_) = stopping.wait_for(|stopping| *stopping) => Err(RebuildError::Interrupted),
    };
    let report = match prepared {
        Ok(prepared) => build.finish(prepared, began, &stopping).await,
        Err(error) => Err(error),
    };
    if report.is_err() {
        build.discard().await;
    }
    report
}

/// A rebuild whose shadow table is complete up to some position, and what is needed to finish it.
struct PreparedBuild<'a> {
    compared: Option<Comparison>,
    /// Held until the rebuild has ended.
    _permit: Option<SemaphorePermit<'a>>,
}

impl<P: Projection> Build<P> {
    /// Fills the shadow table and compares it with the live one, if that is possible.
    async fn prepare<'a>(
        &mut self,
        pages: EntryPages,
        head: i64,
        finishing: &'a Semaphore,
    ) -> Result<PreparedBuild<'a>, RebuildError> {
        self.shadow.define().await?;
        let live = self.shadow.live().await?;
        let is_comparable = live.version == P::VERSION && live.position > 0;
        let target = if is_comparable { live.position.min(head) } else { head };
        self.fold(pages, target).await?;

        let permit = finishing.acquire().await.ok();
        self.shadow.build_keys().await?;
        self.shadow.build_indexes().await?;
        let compared = if is_comparable { Some(self.compare().await?) } else { None };
        Ok(PreparedBuild { compared, _permit: permit })
    }

    /// Replaces the live table by the shadow table, or drops the shadow table.
    async fn finish(
        &mut self,
        prepared: PreparedBuild<'_>,
        began: Instant,
        stopping: &watch::Receiver<bool>,
    ) -> Result<RebuildReport, RebuildError> {
        let replaced = self.options.mode != RebuildMode::Verify;
        let kept_as = if replaced { self.swap(stopping).await? } else { None };
        let rows = self.shadow.rows(replaced).await?;
        self.shadow.drop_schema().await?;
        let (model, position, took) = (self.model, self.position, began.elapsed());
        let compared = prepared.compared;
        Ok(RebuildReport { model, position, rows, took, compared, replaced, kept_as })
    }

    async fn discard(self) {
        if let Err(error) = self.shadow.discard(self.store.pool()).await {
            let model = self.model;
            warn!(%model, %error, "a shadow table is left; the next rebuild of its model drops it");
        }
    }

    /// Compares within one snapshot of Postgres, in which the live rows and their position agree
    /// without a lock.
    async fn compare(&mut self) -> Result<Comparison, RebuildError> {
        self.shadow.connection.run("begin isolation level repeatable read").await?;
        let live = self.shadow.live().await?;
        self.catch_up(live.position).await?;
        let (different, differences) = compare(&mut self.shadow, P::table().key).await?;
        self.shadow.connection.run("commit").await?;
        Ok(Comparison { position: live.position, different, differences })
    }

    async fn swap(
        &mut self,
        stopping: &watch::Receiver<bool>,
    ) -> Result<Option<String>, RebuildError> {
        let mut backoff = Backoff::DATABASE;
        for _ in 1..SWAPS {
            if *stopping.borrow() {
                return Err(RebuildError::Interrupted);
            }
            match self.try_swap().await {
                Err(RebuildError::Database(error)) if is_lock_conflict(&error) => {
                    let model = self.model;
                    warn!(%model, %error, "cannot lock the live table yet; trying again");
                    backoff.wait().await;
                }
                done => return done,
            }
        }
        self.try_swap().await
    }

    async fn try_swap(&mut self) -> Result<Option<String>, RebuildError> {
        let before = self.position;
        let swapped = self.swap_in_transaction().await;
        if swapped.is_err() {
            // The rows that were written in the transaction are rolled back, so the fold no longer
            // agrees with the table.
            self.shadow.connection.run("rollback").await?;
            self.fold = Fold::new();
            self.position = before;
        }
        swapped
    }

    async fn swap_in_transaction(&mut self) -> Result<Option<String>, RebuildError> {
        let Live { position, epoch, .. } = self.shadow.begin_swap().await?;
        self.catch_up(position).await?;
        let keep_as = match self.options.mode {
            RebuildMode::ReplaceAndKeep => Some(format!("{}_until_{position}_{epoch}", self.model)),
            _ => None,
        };
        let kept = self.shadow.swap(keep_as.as_deref(), self.position, P::VERSION).await?;
        self.shadow.connection.run("commit").await?;
        Ok(kept)
    }

    /// Folds the events up to a position.
    async fn catch_up(&mut self, to: i64) -> Result<(), RebuildError> {
        if self.position < to {
            let pages = read(&self.store, self.position, to);
            self.fold(pages, to).await?;
        }
        Ok(())
    }

    /// Folds the pages up to a position and writes the rows.
    async fn fold(&mut self, mut pages: EntryPages, to: i64) -> Result<(), RebuildError> {
        while self.position < to {
            let page = pages.recv().await.ok_or(RebuildError::LogTooShort(self.position))??;
            let page = up_to(&page, to);
            self.fold.apply(&mut self.shadow.connection, page).await?;
            self.position = page.last().map_or(self.position, |entry| entry.position());
            if self.fold.bytes() > self.fold_bytes_max() {
                self.spill().await?;
            }
        }
        self.write().await
    }

    /// How many bytes of rows are folded before they are written. Rows that may change again stay
    /// in memory for as long again; rows that never change only wait until there are enough for a
    /// COPY.
    fn fold_bytes_max(&self) -> usize {
        self.options.memory_bytes / if P::table().is_append_only { 8 } else { 2 }
    }

    /// Writes rows and drops them from memory. If an event changes one later, it is loaded again.
    async fn spill(&mut self) -> Result<(), RebuildError> {
        if P::table().is_append_only {
            self.write().await?;
            self.fold = Fold::new();
            return Ok(());
        }
        let aged = self.fold.age();
        let aged: Vec<_> = aged.iter().map(|(key, row)| (key.clone(), row.as_ref())).collect();
        self.shadow.write::<P>(&aged).await?;
        Ok(self.shadow.build_keys().await?)
    }

    async fn write(&mut self) -> Result<(), RebuildError> {
        Ok(self.shadow.write::<P>(&self.fold.take_dirty()).await?)
    }
}

/// The events of a page up to a position.
fn up_to(page: &[Arc<LogEntry>], position: i64) -> &[Arc<LogEntry>] {
    &page[..page.partition_point(|entry| entry.position() <= position)]
}

/// Whether a lock was not free in time, or Postgres ended the transaction to resolve a deadlock.
fn is_lock_conflict(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(|error| error.code());
    matches!(state.as_deref(), Some("55P03" | "40P01"))
}
