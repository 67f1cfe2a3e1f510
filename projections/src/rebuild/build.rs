//! The rebuild of one read model, step by step.

use std::sync::Arc;
use std::time::Instant;

use event_store::EventStore;
use tokio::sync::Semaphore;
use tracing::warn;

use super::compare::compare;
use super::reading::{Pages, read};
use super::shadow::{Live, Shadow};
use super::{Comparison, Mode, Options, RebuildError, Report};
use crate::backoff::Backoff;
use crate::feed::Entry;
use crate::fold::Fold;
use crate::model::ReadModel;
use crate::projection::Projection;

/// A swap gives way to whoever holds the table for long, and tries again.
const SWAPS: usize = 10;

/// What is to be done.
pub(super) struct Job {
    pub(super) store: EventStore,
    pub(super) model: ReadModel,
    pub(super) options: Options,
    /// The last event that the pages bring.
    pub(super) head: i64,
    /// Whose turn it is to build indexes and to compare.
    pub(super) finishing: Arc<Semaphore>,
}

/// A shadow table on its way to the live one.
struct Build<P: Projection> {
    store: EventStore,
    model: ReadModel,
    options: Options,
    shadow: Shadow,
    fold: Fold<P>,
    position: i64,
}

pub(super) async fn rebuild<P: Projection>(job: Job, pages: Pages) -> Result<Report, RebuildError> {
    let began = Instant::now();
    let Job { store, model, options, head, finishing } = job;
    let mut shadow = Shadow::create(store.pool(), model, P::TABLE).await?;
    let live = shadow.live().await?;
    let comparable = live.version == P::VERSION && live.position > 0;
    let target = if comparable { live.position.min(head) } else { head };
    let fold = Fold::new();
    let mut build = Build::<P> { store, model, options, shadow, fold, position: 0 };
    build.fold(pages, target).await?;

    let _turn = finishing.acquire().await;
    build.shadow.build_keys().await?;
    build.shadow.build_indexes().await?;
    let compared = if comparable { Some(build.compare().await?) } else { None };
    let kept_as = if options.mode == Mode::Verify { None } else { build.swap().await? };
    let replaced = options.mode != Mode::Verify;
    let rows = build.shadow.rows(replaced).await?;
    let position = build.position;
    build.shadow.drop().await?;
    Ok(Report { model, position, rows, took: began.elapsed(), compared, replaced, kept_as })
}

impl<P: Projection> Build<P> {
    /// One snapshot shows the live rows and the position they are at; nobody has to wait.
    async fn compare(&mut self) -> Result<Comparison, RebuildError> {
        self.shadow.connection.run("begin isolation level repeatable read").await?;
        let live = self.shadow.live().await?;
        self.catch_up(live.position).await?;
        let (different, differences) = compare(&mut self.shadow, P::KEY).await?;
        self.shadow.connection.run("commit").await?;
        Ok(Comparison { position: live.position, different, differences })
    }

    async fn swap(&mut self) -> Result<Option<String>, RebuildError> {
        let mut backoff = Backoff::new();
        for _ in 1..SWAPS {
            match self.try_swap().await {
                Err(RebuildError::Database(error)) if gave_way(&error) => {
                    warn!(model = %self.model, %error, "the tables could not change places yet");
                    tokio::time::sleep(backoff.next()).await;
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
            // What was folded since is rolled back with the rest.
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
            Mode::ReplaceAndKeep => Some(format!("{}_until_{position}_{epoch}", self.model)),
            _ => None,
        };
        let kept = self.shadow.swap(keep_as.as_deref(), self.position, P::VERSION).await?;
        self.shadow.connection.run("commit").await?;
        Ok(kept)
    }

    /// Folds what has happened since.
    async fn catch_up(&mut self, to: i64) -> Result<(), RebuildError> {
        if self.position < to {
            let pages = read(&self.store, self.position, to);
            self.fold(pages, to).await?;
        }
        Ok(())
    }

    /// Folds the pages up to a position and writes the rows.
    async fn fold(&mut self, mut pages: Pages, to: i64) -> Result<(), RebuildError> {
        while self.position < to {
            let page = pages.recv().await.ok_or(RebuildError::LogTooShort(self.position))??;
            let page = up_to(&page, to);
            self.fold.apply(&mut self.shadow.connection, page).await?;
            self.position = page.last().map_or(self.position, |entry| entry.position());
            if self.fold.bytes() > self.room() {
                self.make_room().await?;
            }
        }
        self.write().await
    }

    /// Bytes of rows that are folded before room is made. Those that may change once more rest in
    /// memory for as long again; those that stay as they are wait only for a COPY's worth.
    fn room(&self) -> usize {
        self.options.memory_bytes / if P::APPENDS { 8 } else { 2 }
    }

    /// What becomes of a row that was forgotten, it becomes after it was loaded again.
    async fn make_room(&mut self) -> Result<(), RebuildError> {
        if P::APPENDS {
            self.write().await?;
            self.fold = Fold::new();
            return Ok(());
        }
        let rested = self.fold.rest();
        let rested: Vec<_> = rested.iter().map(|(key, row)| (key.clone(), row.as_ref())).collect();
        self.shadow.write::<P>(&rested).await?;
        Ok(self.shadow.build_keys().await?)
    }

    async fn write(&mut self) -> Result<(), RebuildError> {
        Ok(self.shadow.write::<P>(&self.fold.take_dirty()).await?)
    }
}

/// The events of a page that are not beyond a position.
fn up_to(page: &[Arc<Entry>], position: i64) -> &[Arc<Entry>] {
    &page[..page.partition_point(|entry| entry.position() <= position)]
}

/// A lock was not to be had in time, or somebody else had to be let through.
fn gave_way(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(|error| error.code());
    matches!(state.as_deref(), Some("55P03" | "40P01"))
}
