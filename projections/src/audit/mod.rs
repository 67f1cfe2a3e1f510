//! The audit trail: who did what, when and why. The table holds the fields by which events are
//! searched.

mod causes;
mod query;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use event_store::RecordedEvent;
use sqlx::PgConnection;

pub use self::query::Filter;
use crate::feed::LogEntry;
use crate::projection::{Poison, Projection};
use crate::table::{Column, Table};

/// Reads only the envelopes of events and decodes no payload, so no event can stop it.
pub(crate) struct Audit;

static TABLE: LazyLock<Table<Arc<RecordedEvent>>> = LazyLock::new(|| {
    let columns = [
        Column::bigint("position", |event: &Arc<RecordedEvent>| Some(event.position)),
        Column::text("stream_type", |event| Some(&event.stream_type)),
        Column::text("event_type", |event| Some(&event.event_type)),
        Column::text("actor", |event| Some(&event.actor)),
        Column::uuid("command_id", |event| event.command_id),
        Column::uuid("correlation_id", |event| Some(event.correlation_id)),
    ];
    Table::append_only("audit", &["position"], columns)
});

impl Projection for Audit {
    const VERSION: i32 = 1;
    type Key = i64;
    type Row = Arc<RecordedEvent>;

    fn table() -> &'static Table<Self::Row> {
        &TABLE
    }

    fn key(entry: &LogEntry) -> Result<Option<i64>, Poison> {
        Ok(Some(entry.position()))
    }

    fn begins(_: &LogEntry) -> bool {
        true
    }

    fn apply(_: Option<Self::Row>, entry: &LogEntry) -> Result<Option<Self::Row>, Poison> {
        Ok(Some(entry.raw.clone()))
    }

    async fn load(
        _: &mut PgConnection,
        _: &[i64],
    ) -> Result<BTreeMap<i64, Self::Row>, sqlx::Error> {
        // No row depends on another one.
        Ok(BTreeMap::new())
    }

    async fn remove(_: &mut PgConnection, _: &[i64]) -> Result<(), sqlx::Error> {
        // No row is ever removed.
        Ok(())
    }
}

/// The columns of [`RecordedEvent`], in its order, from `events as e`.
macro_rules! event_columns {
    () => {
        "e.position, e.stream_type, e.stream_id, e.version, e.event_type, e.schema_version, \
         e.payload, e.command_id, e.request_hash, e.metadata, e.correlation_id, e.caused_by, \
         e.actor, e.recorded_at"
    };
}
use event_columns;
