//! Builds a read model anew from the log, beside the live one, and compares the two.
//!
//! The log is read and decoded once for all read models that are rebuilt together. Each folds it in
//! memory and writes a shadow table by COPY, which gets its indexes when the rows are there. The
//! shadow table lives in a schema of its own under its real name, so the projection's own statements
//! find it. Queries are answered from the live table all the while.

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

/// What is done with the rebuilt table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is compared with the live one and dropped.
    Verify,
    /// It replaces the live one.
    Replace,
    /// It replaces the live one, which is kept under the name [`Report::kept_as`].
    ReplaceAndKeep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildOptions {
    pub mode: Mode,
    /// About how many bytes the rows of one read model may take in memory. A row that was written to
    /// stay below is loaded again if an event changes it.
    pub memory_bytes: usize,
}

impl From<Mode> for RebuildOptions {
    fn from(mode: Mode) -> RebuildOptions {
        RebuildOptions { mode, memory_bytes: 48 << 20 }
    }
}

/// How far the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadProgress {
    pub position: i64,
    /// The position of the last event when the rebuild began.
    pub target: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub model: ReadModel,
    /// The position of the last event that is in the rebuilt rows.
    pub position: i64,
    pub rows: i64,
    /// How long the rebuild took, the waiting for other read models included.
    pub took: Duration,
    /// None when there was nothing to compare with: the live table is of another version, or
    /// nothing was ever projected.
    pub compared: Option<Comparison>,
    /// Whether the new table is the live one now.
    pub replaced: bool,
    /// Where the old table is, as `schema.table`.
    pub kept_as: Option<String>,
}

/// The result of comparing live rows with rebuilt rows, both at one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub position: i64,
    /// How many rows differ.
    pub different: i64,
    /// The first hundred of them, by key.
    pub differences: Vec<Difference>,
}

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("another process is rebuilding '{0}': wait until it is done")]
    Busy(ReadModel),
    #[error("interrupted: the live table stays as it was")]
    Interrupted,
    #[error("the log ends at {0}, before the live table does")]
    LogTooShort(i64),
    /// An event of the log cannot be applied.
    #[error("the event at position {position} cannot be applied: {reason}")]
    Poison { position: i64, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Report {
    /// Whether no row differed, or nothing could be compared.
    pub fn is_clean(&self) -> bool {
        self.compared.as_ref().is_none_or(|compared| compared.different == 0)
    }
}

/// How many builds make indexes and compare at the same time: each takes a processor and much of
/// Postgres' memory.
const FINISHING_MAX: usize = 2;

/// The result for each of several read models.
pub type Results = Vec<(ReadModel, Result<Report, RebuildError>)>;

/// Builds read models anew and answers with the result for each, in the order given. The log is read
/// once for all of them; `progress` is called every few thousand events. One that fails does not keep
/// the others from being rebuilt.
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

/// As [`rebuild_all`], until `stop` resolves. Every read model whose tables are not being swapped
/// by then keeps its live table and ends in [`RebuildError::Interrupted`].
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

/// [`rebuild_all`] for one read model.
pub async fn rebuild(
    store: &EventStore,
    model: ReadModel,
    options: impl Into<RebuildOptions>,
    progress: impl FnMut(ReadProgress) + Send,
) -> Result<Report, RebuildError> {
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
