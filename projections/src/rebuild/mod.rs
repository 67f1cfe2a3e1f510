//! Building a read model anew from the log, beside the live one, and comparing the two.
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
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use event_store::{EventStore, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::build::Job;
pub use self::compare::{Difference, Kind};
use crate::fold::FoldError;
use crate::model::{ReadModel, with_projection};

/// What becomes of the new table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is compared with the live one, and dropped.
    Verify,
    /// It takes the place of the live one.
    Replace,
    /// Likewise, and the old one is kept under [`Report::kept_as`].
    ReplaceAndKeep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub mode: Mode,
    /// About how many bytes the rows of one read model may take in memory; those of an aggregate that
    /// changes after its row had to make room are loaded again.
    pub memory_bytes: usize,
}

impl From<Mode> for Options {
    fn from(mode: Mode) -> Options {
        Options { mode, memory_bytes: 48 << 20 }
    }
}

/// How far the reading of the log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub position: i64,
    /// Where the log ended when the rebuild began.
    pub target: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub model: ReadModel,
    /// Up to here the log is in the new rows.
    pub position: i64,
    pub rows: i64,
    /// From the first event to the end, the waiting for other read models included.
    pub took: Duration,
    /// None when there was nothing to compare with: the live table is of another version, or
    /// nothing was ever projected.
    pub compared: Option<Comparison>,
    /// Whether the new table is the live one now.
    pub replaced: bool,
    /// Where the old table is, as `schema.table`.
    pub kept_as: Option<String>,
}

/// Live rows against new rows, both at one position.
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
    #[error("'{0}' is being rebuilt by somebody else")]
    Busy(ReadModel),
    #[error("the log ends at {0}, before the live table does")]
    LogTooShort(i64),
    /// The log itself cannot be folded.
    #[error("the event at position {position} cannot be applied: {reason}")]
    Poison { position: i64, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Report {
    /// Nothing that was compared differed.
    pub fn is_clean(&self) -> bool {
        self.compared.as_ref().is_none_or(|compared| compared.different == 0)
    }
}

/// Index builds and comparisons at a time: each takes a processor and much of Postgres' memory.
const FINISHING: usize = 2;

/// Builds read models anew, and tells of each in the order given. The log is read once for all of
/// them; `progress` hears of every few thousand events. One that fails does not keep the others.
///
/// The projectors may go on: whoever holds the lease loses it when the tables change places, takes
/// it again, and continues on the new one.
pub async fn rebuild_all(
    store: &EventStore,
    models: &[ReadModel],
    options: impl Into<Options>,
    mut progress: impl FnMut(Step) + Send,
) -> Vec<(ReadModel, Result<Report, RebuildError>)> {
    let options = options.into();
    let head = match store.head().await {
        Ok(head) => head,
        Err(error) => {
            return models.iter().map(|model| (*model, Err(error.clone().into()))).collect();
        }
    };
    let finishing = Arc::new(Semaphore::new(FINISHING));
    let (mut builds, mut listeners) = (JoinSet::new(), Vec::with_capacity(models.len()));
    for (n, model) in models.iter().copied().enumerate() {
        let (listener, pages) = reading::channel();
        listeners.push(listener);
        let finishing = finishing.clone();
        let job = Job { store: store.clone(), model, options, head, finishing };
        with_projection!(model, P => builds.spawn(async move {
            (n, model, build::rebuild::<P>(job, pages).await)
        }));
    }
    let pages = match models {
        [_] => reading::read(store, 0, head),
        _ => reading::read_decoded(store, 0, head),
    };
    reading::share(pages, listeners, |position| progress(Step { position, target: head })).await;

    let mut rebuilt = Vec::with_capacity(models.len());
    while let Some(build) = builds.join_next().await {
        rebuilt.push(build.unwrap_or_else(|error| resume_unwind(error.into_panic())));
    }
    rebuilt.sort_by_key(|(n, ..)| *n);
    rebuilt.into_iter().map(|(_, model, result)| (model, result)).collect()
}

/// [`rebuild_all`] for one read model.
pub async fn rebuild(
    store: &EventStore,
    model: ReadModel,
    options: impl Into<Options>,
    progress: impl FnMut(Step) + Send,
) -> Result<Report, RebuildError> {
    let mut rebuilt = rebuild_all(store, &[model], options, progress).await;
    rebuilt.swap_remove(0).1
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.position, self.target)
    }
}
