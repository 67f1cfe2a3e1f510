//! What a projection is: a pure fold for each row, and the table of the rows.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;

use sqlx::PgConnection;

use crate::decoded::Undecodable;
use crate::feed::LogEntry;
use crate::table::Table;

/// A read model that is folded row by row.
///
/// `key` and `apply` use only the event and the row, no clock and no order of insertion, so that a
/// rebuilt row equals the live one.
pub(crate) trait Projection: Send + Sync + 'static {
    /// Increase it when `key`, `apply` or the columns change: a projection does not write rows of
    /// another version.
    const VERSION: i32;

    type Key: Clone + Debug + Ord + Send + Sync;
    type Row: Send + Sync;

    /// Its table, with the list of its columns.
    fn table() -> &'static Table<Self::Row>;

    /// The key of the row that the event changes. None if it changes no row.
    fn key(entry: &LogEntry) -> Result<Option<Self::Key>, Poison>;

    /// Whether the row after the event is independent of the row before it, which then need not be
    /// loaded.
    fn begins(entry: &LogEntry) -> bool;

    /// The row after the event; None removes the row.
    fn apply(row: Option<Self::Row>, entry: &LogEntry) -> Result<Option<Self::Row>, Poison>;

    /// The rows with these keys that exist.
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

/// Why an event can never be applied.
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
