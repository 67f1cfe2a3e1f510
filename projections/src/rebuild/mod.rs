//! Rebuilds a read model from the log beside the live one, and compares the two.
//!
//! The log is read and decoded once for all read models that are rebuilt together. Each is folded
//! in memory and written to a shadow table by COPY; the table gets its indexes when the rows are
//! complete. The shadow table has the live table's name in a schema of its own, so the projection's
//! statements work on it. Queries use the live table until the end.

mod build;
mod compare;
mod reading;
mod shadow;

use std::fmt;
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use event_store::{EventStore, StoreError};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::build::Job;
pub use self::compare::{Difference, DifferenceKind};
use crate::fold::FoldError;
use crate::model::{ReadModel, with_projection};

/// What to do with the rebuilt table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildMode {
    /// Compare it with the live table, and drop it.
    Verify,
    /// Replace the live table by it.
    Replace,
    /// Replace the live table by it, and keep the old one under the name
    /// [`RebuildReport::kept_as`].
    ReplaceAndKeep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildOptions {
    pub mode: RebuildMode,
    /// About how many bytes the rows of one read model may take in memory. Beyond that, rows are
    /// written early, and loaded again if an event changes them.
    pub memory_bytes: usize,
}

impl From<RebuildMode> for RebuildOptions {
    fn from(mode: RebuildMode) -> RebuildOptions {
        RebuildOptions { mode, memory_bytes: 48 << 20 }
    }
}

/// How much of the log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadProgress {
    pub position: i64,
    /// The position of the last event when the rebuild began.
    pub target: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuildReport {
    pub model: ReadModel,
    /// The position of the last event that is in the rebuilt rows.
    pub position: i64,
    pub rows: i64,
    /// How long the rebuild took, including the time that it waited for other read models.
    pub took: Duration,
    /// None if there was nothing to compare with: the live table has another version, or no event
    /// was ever projected.
    pub compared: Option<Comparison>,
    /// Whether the new table is the live one now.
    pub replaced: bool,
    /// The name of the old table, as `schema.table`.
    pub kept_as: Option<String>,
}

/// The result of comparing live rows with rebuilt rows, both at one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub position: i64,
    /// How many rows differ.
    pub different: i64,
    /// The first hundred differing rows, by key.
    pub differences: Vec<Difference>,
}

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("another process is rebuilding '{0}': wait until it is done")]
    Busy(ReadModel),
    #[error("interrupted: the live table stays as it was")]
    Interrupted,
    #[error("the log ends at position {0}, before the live table does")]
    LogTooShort(i64),
    /// An event of the log cannot be applied.
    #[error("the event at position {position} cannot be applied: {reason}")]
    Poison { position: i64, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl RebuildReport {
    /// Whether no row differed, or nothing could be compared.
    pub fn is_clean(&self) -> bool {
        self.compared.as_ref().is_none_or(|compared| compared.different == 0)
    }
}

/// How many builds create indexes and compare at the same time: each takes a processor and much of
/// Postgres' memory.
const FINISHING_MAX: usize = 2;

/// The result for each of several read models.
pub type Results = Vec<(ReadModel, Result<RebuildReport, RebuildError>)>;

/// Rebuilds read models, and returns the result of each, in the order given. The log is read once
/// for all of them; `progress` is called every few thousand events. If one fails, the others are
/// still rebuilt.
///
/// Projectors may run meanwhile. The one that holds the lease loses it when the tables are swapped,
/// acquires it again, and continues on the new table.
pub async fn rebuild_all(
    store: &EventStore,
    models: &[ReadModel],
    options: impl Into<RebuildOptions>,
    progress: impl FnMut(ReadProgress) + Send,
) -> Results {
    rebuild_all_until(store, models, options, progress, pending()).await
}

/// As [`rebuild_all`], until `stop` resolves. Then every read model whose tables are not being
/// swapped keeps its live table and ends in [`RebuildError::Interrupted`].
pub async fn rebuild_all_until(
    store: &EventStore,
    models: &[ReadModel],
    options: impl Into<RebuildOptions>,
    progress: impl FnMut(ReadProgress) + Send,
    stop: impl Future<Output = ()>,
) -> Results {
    let options = options.into();
    let head = match store.head().await {
        Ok(head) => head,
        Err(error) => {
            return models.iter().map(|model| (*model, Err(error.clone().into()))).collect();
        }
    };
    let (stop_builds, stopping) = watch::channel(false);
    let builds = build_all(store, models, options, head, stopping, progress);
    tokio::pin!(builds);
    tokio::select! {
        results = &mut builds => return results,
        () = stop => {}
    }
    stop_builds.send_replace(true);
    builds.await
}

async fn build_all(
    store: &EventStore,
    models: &[ReadModel],
    options: RebuildOptions,
    head: i64,
    stopping: watch::Receiver<bool>,
    mut progress: impl FnMut(ReadProgress) + Send,
) -> Results {
    let finishing = Arc::new(Semaphore::new(FINISHING_MAX));
    let (mut builds, mut listeners) = (JoinSet::new(), Vec::with_capacity(models.len()));
    for (n, model) in models.iter().copied().enumerate() {
        let (listener, pages) = reading::channel();
        listeners.push(listener);
        let (store, finishing, stopping) = (store.clone(), finishing.clone(), stopping.clone());
        let job = Job { store, model, options, head, finishing, stopping };
        with_projection!(model, P => builds.spawn(async move {
            (n, model, build::rebuild::<P>(job, pages).await)
        }));
    }
    let pages = match models {
        [_] => reading::read(store, 0, head),
        _ => reading::read_decoded(store, 0, head),
    };
    reading::share(pages, listeners, |position| progress(ReadProgress { position, target: head }))
        .await;

    let mut results = Vec::with_capacity(models.len());
    while let Some(build) = builds.join_next().await {
        results.push(build.unwrap_or_else(|error| resume_unwind(error.into_panic())));
    }
    results.sort_by_key(|(n, ..)| *n);
    results.into_iter().map(|(_, model, result)| (model, result)).collect()
}

/// Rebuilds one read model, as [`rebuild_all`].
pub async fn rebuild(
    store: &EventStore,
    model: ReadModel,
    options: impl Into<RebuildOptions>,
    progress: impl FnMut(ReadProgress) + Send,
) -> Result<RebuildReport, RebuildError> {
    let mut results = rebuild_all(store, &[model], options, progress).await;
    results.swap_remove(0).1
}

impl From<FoldError> for RebuildError {
    fn from(error: FoldError) -> RebuildError {
        match error {
            FoldError::Poison { position, poison } => {
                RebuildError::Poison { position, reason: poison.to_string() }
            }
            FoldError::Database(error) => RebuildError::Database(error),
        }
    }
}

impl fmt::Display for ReadProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.position, self.target)
    }
}
