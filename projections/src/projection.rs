//! What a projection is: a fold per row, pure, and the table its rows are kept in.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};

use crate::feed::Entry;
use crate::recorded::Undecodable;
use crate::tuples::Tuples;

/// A read model, folded row by row.
///
/// `key` and `apply` see only the event and the row: no clock, no order of insertion, nothing that
/// would make a rebuilt row another one.
pub(crate) trait Projection: Send + Sync + 'static {
    /// Its table.
    const TABLE: &'static str;
    /// The columns of the table's primary key.
    const KEY: &'static [&'static str];
    /// Raised when `key`, `apply` or the columns change: rows of another version are not touched.
    const VERSION: i32;
    /// The columns of the table, in the order in which `copy` gives their values.
    const COLUMNS: &'static str;
    /// Whether rows are only ever added, each by one event.
    const APPENDS: bool = false;

    type Key: Clone + Debug + Ord + Send + Sync;
    type Row: Send + Sync;

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

    /// Writes rows from its parameters, whether or not they exist.
    const SAVE: &'static str;

    /// Binds the parameters of [`Projection::SAVE`], all of them arrays, to rows.
    fn bind(save: Statement, rows: &[&Self::Row]) -> Result<Statement, sqlx::Error>;

    /// Writes all rows with one statement.
    fn save(
        connection: &mut PgConnection,
        rows: &[&Self::Row],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        let save = Self::bind(sqlx::query(Self::SAVE), rows);
        async move {
            save?.execute(connection).await?;
            Ok(())
        }
    }

    /// The values of a row that is not in the table; the same that `save` writes.
    fn copy(row: &Self::Row, to: &mut Tuples) -> Result<(), sqlx::Error>;

    /// Removes rows, whether or not they exist.
    fn remove(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// A statement and what was bound to it so far.
pub(crate) type Statement = Query<'static, Postgres, PgArguments>;

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
