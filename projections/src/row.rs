//! The row of an aggregate: its folded state, with id, version, position and times.

use std::collections::BTreeMap;

use domain::{Event, Kind, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Postgres};
use uuid::Uuid;

use crate::feed::LogEntry;
use crate::projection::{Poison, Projection};
use crate::table::{Column, Table};

/// The row of one aggregate in a read model.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<S> {
    /// The id of the stream.
    pub id: Uuid,
    /// The version of the stream after its last event.
    pub version: i32,
    /// The position of the stream's last event.
    pub position: i64,
    /// When the first event was recorded.
    pub created_at: Timestamp,
    /// When the last event was recorded.
    pub updated_at: Timestamp,
    pub state: S,
}

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

/// A read model with one row for each aggregate of one kind.
pub(crate) trait Aggregates: Send + Sync + 'static {
    const VERSION: i32;
    const KIND: Kind;
    type State: Default + Serialize + DeserializeOwned + Send + Sync + Unpin;

    /// Created by [`Table::of_aggregates`].
    fn table() -> &'static Table<Row<Self::State>>;

    /// Folds one more event of the stream into the state.
    fn fold(state: &mut Self::State, event: &Event);
}

impl<S: Serialize> Table<Row<S>> {
    /// A table with the columns that all aggregates have, followed by the columns listed in `own`.
    /// Rows are read from the common columns only.
    pub(crate) fn of_aggregates<const N: usize>(
        name: &'static str,
        own: [Column<Row<S>>; N],
    ) -> Table<Row<S>> {
        let shared = [
            Column::uuid("id", |row: &Row<S>| Some(row.id)),
            Column::int("version", |row| Some(row.version)),
            Column::bigint("position", |row| Some(row.position)),
            Column::timestamptz("created_at", |row| Some(row.created_at)),
            Column::timestamptz("updated_at", |row| Some(row.updated_at)),
            Column::json("state", |row, json| serde_json::to_writer(json, &row.state)),
        ];
        let count = shared.len();
        let columns: Vec<_> = shared.into_iter().chain(own).collect();
        Table::new(name, &["id"], columns).selecting_first(count)
    }
}

impl<S: DeserializeOwned + Send + Unpin> Table<Row<S>> {
    /// A query for the rows with these ids that exist, in no particular order.
    pub(crate) fn select_by_ids<'q>(
        &self,
        ids: &'q [Uuid],
    ) -> QueryAs<'q, Postgres, Row<S>, PgArguments> {
        self.select("where id = any($1)").bind(ids)
    }
}

impl<T: Aggregates> Projection for T {
    const VERSION: i32 = T::VERSION;
    type Key = Uuid;
    type Row = Row<T::State>;

    fn table() -> &'static Table<Self::Row> {
        T::table()
    }

    fn key(entry: &LogEntry) -> Result<Option<Uuid>, Poison> {
        let own = *entry.raw.stream_type == *T::KIND.as_str();
        Ok(own.then_some(entry.raw.stream_id))
    }

    fn begins(entry: &LogEntry) -> bool {
        entry.raw.version == 1
    }

    fn apply(row: Option<Self::Row>, entry: &LogEntry) -> Result<Option<Self::Row>, Poison> {
        let recorded = entry.decoded()?;
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
        let rows = T::table().select_by_ids(ids).fetch_all(connection).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    async fn remove(connection: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
        let delete = format!("delete from {} where id = any($1)", T::table().name);
        sqlx::query(AssertSqlSafe(delete)).bind(ids).execute(connection).await?;
        Ok(())
    }
}
