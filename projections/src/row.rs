//! The row of an aggregate: its folded state and the facts of its envelope.

use std::collections::BTreeMap;

use domain::{Event, Kind, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use uuid::Uuid;

use crate::feed::Entry;
use crate::projection::{Poison, Projection, Statement};
use crate::tuples::Tuples;

/// An aggregate as a read model keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<S> {
    /// The stream's.
    pub id: Uuid,
    /// The stream's, after the last event.
    pub version: i32,
    /// The last event's.
    pub position: i64,
    /// When the first event was recorded.
    pub created_at: Timestamp,
    /// When the last event was recorded.
    pub updated_at: Timestamp,
    pub state: S,
}

/// The columns that every aggregate's table begins with, for a `select`.
macro_rules! row_columns {
    () => {
        "id, version, position, created_at, updated_at, state"
    };
}
pub(crate) use row_columns;

impl<'r, S: DeserializeOwned> FromRow<'r, PgRow> for Row<S> {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row as _;
        let Json(state) = row.try_get("state")?;
        Ok(Row {
            id: row.try_get("id")?,
            version: row.try_get("version")?,
            position: row.try_get("position")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            state,
        })
    }
}

/// The table of one kind of aggregate.
pub(crate) trait Aggregates: Send + Sync + 'static {
    const TABLE: &'static str;
    const VERSION: i32;
    const KIND: Kind;
    /// Selects the rows with the ids `$1`.
    const LOAD: &'static str;
    /// Those of [`row_columns!`], then those that `copy` gives the values of.
    const COLUMNS: &'static str;
    type State: Default + Serialize + DeserializeOwned + Send + Sync + Unpin;

    /// Folds one more event of the stream into the state.
    fn fold(state: &mut Self::State, event: &Event);

    /// Writes rows from its parameters, whether or not they exist. `$1` to `$6` are ids, versions,
    /// positions, times of creation and update, and states.
    const SAVE: &'static str;

    /// Binds the parameters from `$7` on.
    fn bind_columns(save: Statement, rows: &[&Row<Self::State>]) -> Statement;

    /// The values of the columns that are this table's own.
    fn copy(row: &Row<Self::State>, to: &mut Tuples) -> Result<(), sqlx::Error>;
}

impl<T: Aggregates> Projection for T {
    const TABLE: &'static str = T::TABLE;
    const KEY: &'static [&'static str] = &["id"];
    const VERSION: i32 = T::VERSION;
    const COLUMNS: &'static str = T::COLUMNS;
    type Key = Uuid;
    type Row = Row<T::State>;

    fn key(entry: &Entry) -> Result<Option<Uuid>, Poison> {
        let own = *entry.raw.stream_type == *T::KIND.as_str();
        Ok(own.then_some(entry.raw.stream_id))
    }

    fn begins(entry: &Entry) -> bool {
        entry.raw.version == 1
    }

    fn apply(row: Option<Self::Row>, entry: &Entry) -> Result<Option<Self::Row>, Poison> {
        let recorded = entry.recorded()?;
        let known = row.as_ref().map_or(0, |row| row.version);
        if recorded.version != known + 1 {
            return Err(Poison::OutOfSequence { row: known, event: recorded.version });
        }
        let mut row = row.unwrap_or_else(|| Row {
            id: recorded.stream.id,
            version: 0,
            position: 0,
            created_at: recorded.recorded_at,
            updated_at: recorded.recorded_at,
            state: T::State::default(),
        });
        T::fold(&mut row.state, &recorded.event);
        row.version = recorded.version;
        row.position = recorded.position;
        row.updated_at = recorded.recorded_at;
        Ok(Some(row))
    }

    async fn load(
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Self::Row>, sqlx::Error> {
        let rows: Vec<Self::Row> = sqlx::query_as(T::LOAD).bind(ids).fetch_all(connection).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    const SAVE: &'static str = T::SAVE;

    fn bind(save: Statement, rows: &[&Self::Row]) -> Result<Statement, sqlx::Error> {
        let states: Result<Vec<String>, _> =
            rows.iter().map(|row| serde_json::to_string(&row.state)).collect();
        let states = states.map_err(|error| sqlx::Error::Encode(error.into()))?;
        let save = save
            .bind(column(rows, |row| row.id))
            .bind(column(rows, |row| row.version))
            .bind(column(rows, |row| row.position))
            .bind(column(rows, |row| row.created_at))
            .bind(column(rows, |row| row.updated_at))
            .bind(states);
        Ok(T::bind_columns(save, rows))
    }

    fn copy(row: &Self::Row, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(row.id)?;
        to.put(row.version)?;
        to.put(row.position)?;
        to.put(row.created_at)?;
        to.put(row.updated_at)?;
        to.put_json(&row.state)?;
        T::copy(row, to)
    }

    async fn remove(connection: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
        let delete = format!("delete from {} where id = any($1)", T::TABLE);
        sqlx::query(AssertSqlSafe(delete)).bind(ids).execute(connection).await?;
        Ok(())
    }
}

/// One column of an `unnest`.
pub(crate) fn column<'r, R, V>(rows: &[&'r R], value: impl Fn(&'r R) -> V) -> Vec<V> {
    rows.iter().map(|row| value(row)).collect()
}
