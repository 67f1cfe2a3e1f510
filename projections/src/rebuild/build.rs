//! The rebuild, step by step.

use std::sync::Arc;

use event_store::{EventStore, StoreError};
use tokio::sync::mpsc;
use tracing::warn;

use super::compare::compare;
use super::shadow::{Live, Shadow};
use super::{Comparison, Mode, RebuildError, Report, Step};
use crate::backoff::Backoff;
use crate::feed::Entry;
use crate::fold::Fold;
use crate::model::ReadModel;
use crate::projection::Projection;

/// Events of one read.
const PAGE: i64 = 5_000;
/// Rows in memory; beyond, they are written and forgotten.
const ROWS: usize = 20_000;
/// A swap gives way to whoever holds the table for long, and tries again.
const SWAPS: usize = 10;

type Progress<'a> = &'a mut (dyn FnMut(Step) + Send);

/// A shadow table on its way to the live one.
struct Build<P: Projection> {
    store: EventStore,
    model: ReadModel,
    shadow: Shadow,
    fold: Fold<P>,
    position: i64,
}

pub(super) async fn rebuild<P: Projection>(
    store: &EventStore,
    model: ReadModel,
    mode: Mode,
    progress: Progress<'_>,
) -> Result<Report, RebuildError> {
    let shadow = Shadow::create(store.pool(), model, P::TABLE).await?;
    let fold = Fold::new();
    let mut build = Build::<P> { store: store.clone(), model, shadow, fold, position: 0 };

    let live = build.shadow.live().await?;
    let comparable = live.version == P::VERSION && live.position > 0;
    let target = if comparable { live.position } else { store.head().await? };
    build.fold_to(target, progress).await?;
    build.shadow.build_indexes().await?;

    let compared = if comparable { Some(build.compare(progress).await?) } else { None };
    let kept_as = match mode {
        Mode::Verify => None,
        Mode::Replace | Mode::ReplaceAndKeep => build.swap(mode, progress).await?,
    };
    let rows = build.shadow.rows(mode != Mode::Verify).await?;
    let position = build.position;
    build.shadow.drop().await?;
    Ok(Report { model, position, rows, compared, replaced: mode != Mode::Verify, kept_as })
}

impl<P: Projection> Build<P> {
    /// One snapshot shows the live rows and the position they are at; nobody has to wait.
    async fn compare(&mut self, progress: Progress<'_>) -> Result<Comparison, RebuildError> {
        self.shadow.connection.run("begin isolation level repeatable read").await?;
        let live = self.shadow.live().await?;
        self.fold_to(live.position, progress).await?;
        let (different, differences) = compare(&mut self.shadow, P::KEY).await?;
        self.shadow.connection.run("commit").await?;
        Ok(Comparison { position: live.position, different, differences })
    }

    async fn swap(
        &mut self,
        mode: Mode,
        progress: Progress<'_>,
    ) -> Result<Option<String>, RebuildError> {
        let mut backoff = Backoff::new();
        for _ in 1..SWAPS {
            match self.try_swap(mode, progress).await {
                Err(RebuildError::Database(error)) if gave_way(&error) => {
                    warn!(model = %self.model, %error, "the tables could not change places yet");
                    tokio::time::sleep(backoff.next()).await;
                }
                done => return done,
            }
        }
        self.try_swap(mode, progress).await
    }

    async fn try_swap(
        &mut self,
        mode: Mode,
        progress: Progress<'_>,
    ) -> Result<Option<String>, RebuildError> {
        let before = self.position;
        let swapped = self.swap_in_transaction(mode, progress).await;
        if swapped.is_err() {
            // What was folded since is rolled back with the rest.
            self.shadow.connection.run("rollback").await?;
            self.fold = Fold::new();
            self.position = before;
        }
        swapped
    }

    async fn swap_in_transaction(
        &mut self,
        mode: Mode,
        progress: Progress<'_>,
    ) -> Result<Option<String>, RebuildError> {
        let Live { position, epoch, .. } = self.shadow.begin_swap().await?;
        self.fold_to(position, progress).await?;
        let keep_as = match mode {
            Mode::ReplaceAndKeep => Some(format!("{}_until_{position}_{epoch}", self.model)),
            _ => None,
        };
        let kept = self.shadow.swap(keep_as.as_deref(), self.position, P::VERSION).await?;
        self.shadow.connection.run("commit").await?;
        Ok(kept)
    }

    /// Folds the log up to a position and writes the rows.
    async fn fold_to(&mut self, to: i64, progress: Progress<'_>) -> Result<(), RebuildError> {
        let mut pages = read_ahead(self.store.clone(), self.position, to);
        while self.position < to {
            let page = pages.recv().await.ok_or(RebuildError::LogTooShort(self.position))??;
            self.fold.apply(&mut self.shadow.connection, &page).await?;
            self.position = page.last().map_or(self.position, |entry| entry.position());
            if self.fold.dirty() > ROWS {
                self.fold.flush(&mut self.shadow.connection).await?;
                self.fold.trim(ROWS);
            }
            progress(Step { position: self.position, target: to });
        }
        Ok(self.fold.flush(&mut self.shadow.connection).await?)
    }
}

type Page = Result<Vec<Arc<Entry>>, StoreError>;

/// Reads the next page while the last one is folded. Ends at `to`, at the end of the log, after an
/// error, or when nobody listens any more.
fn read_ahead(store: EventStore, after: i64, to: i64) -> mpsc::Receiver<Page> {
    let (pages, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut after = after;
        while after < to {
            let limit = usize::try_from(PAGE.min(to - after)).unwrap_or_default();
            let page = store.read(after, limit).await;
            match page.as_deref().map(<[_]>::last) {
                Ok(Some(last)) => after = last.position,
                Ok(None) => return,
                Err(_) => after = to,
            }
            let entries = |events: Vec<_>| {
                events.into_iter().map(|event| Arc::new(Entry::new(event))).collect()
            };
            if pages.send(page.map(entries)).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// A lock was not to be had in time, or somebody else had to be let through.
fn gave_way(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(|error| error.code());
    matches!(state.as_deref(), Some("55P03" | "40P01"))
}
