//! Building a read model anew from the log, beside the live one, and comparing the two.
//!
//! The shadow table lives in a schema of its own under its real name, so the very statements of
//! the projector write it. Queries are answered from the live table all the while.

mod build;
mod compare;
mod shadow;

use std::fmt;

use event_store::{EventStore, StoreError};

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

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub position: i64,
    /// Where the live table is.
    pub target: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub model: ReadModel,
    /// Up to here the log is in the new rows.
    pub position: i64,
    pub rows: i64,
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

/// Builds a read model anew. `progress` hears of every few thousand events.
///
/// The projectors may go on: whoever holds the lease loses it when the tables change places, takes
/// it again, and continues on the new one.
pub async fn rebuild(
    store: &EventStore,
    model: ReadModel,
    mode: Mode,
    mut progress: impl FnMut(Step) + Send,
) -> Result<Report, RebuildError> {
    with_projection!(model, P => build::rebuild::<P>(store, model, mode, &mut progress).await)
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
