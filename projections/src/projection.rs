//! What a projection is: a fold per row, pure, and the table its rows are kept in.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;

use sqlx::PgConnection;

use crate::decoded::Undecodable;
use crate::feed::Entry;
use crate::table::Table;

/// A read model, folded row by row.
///
/// `key` and `apply` see only the event and the row: no clock, no order of insertion, nothing that
/// would make a rebuilt row another one.
pub(crate) trait Projection: Send + Sync + 'static {
    /// Raise it when `key`, `apply` or the columns change: a projection does not touch rows of
    /// another version.
    const VERSION: i32;

    type Key: Clone + Debug + Ord + Send + Sync;
    type Row: Send + Sync;

    /// Its table, with the list of its columns.
    fn table() -> &'static Table<Self::Row>;

    /// The row that the event is about, if any.
    fn key(entry: &Entry) -> Result<Option<Self::Key>, Poison>;

    /// Whether the event begins its row, which then need not be looked for.
    fn begins(entry: &Entry) -> bool;

    /// The row after the event; none removes it.
    fn apply(row: Option<Self::Row>, entry: &Entry) -> Result<Option<Self::Row>, Poison>;

    /// The rows that exist.
    fn load(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<BTreeMap<Self::Key, Self::Row>, sqlx::Error>> + Send;

    /// Removes rows, whether or not they exist.
    fn remove(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Why an event cannot be applied, now or later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Poison {
    #[error("{0}")]
    Undecodable(String),
    #[error("the row is at version {row}, so version {event} does not follow")]
    OutOfSequence { row: i32, event: i32 },
    #[error("the fold panicked: {0}")]
    Panicked(String),
}

impl From<&Undecodable> for Poison {
    fn from(error: &Undecodable) -> Poison {
        Poison::Undecodable(error.to_string())
    }
}
