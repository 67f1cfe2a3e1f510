//! Who did what, when and why: the envelopes of all events, indexed.

mod query;
mod why;

use std::collections::BTreeMap;
use std::sync::Arc;

use event_store::RecordedEvent;
use sqlx::PgConnection;

pub use self::query::Filter;
use crate::feed::Entry;
use crate::projection::{Poison, Projection};
use crate::row::column;
use crate::tuples::Tuples;

/// Takes envelopes as they are and decodes nothing: no event can stop it.
pub(crate) struct Audit;

impl Projection for Audit {
    const TABLE: &'static str = "audit";
    const KEY: &'static [&'static str] = &["position"];
    const VERSION: i32 = 1;
    const COLUMNS: &'static str = "position, stream_type, stream_id, version, event_type, actor, command_id, correlation_id, caused_by, recorded_at";
    const APPENDS: bool = true;
    type Key = i64;
    type Row = Arc<RecordedEvent>;

    fn key(entry: &Entry) -> Result<Option<i64>, Poison> {
        Ok(Some(entry.position()))
    }

    fn begins(_: &Entry) -> bool {
        true
    }

    fn apply(_: Option<Self::Row>, entry: &Entry) -> Result<Option<Self::Row>, Poison> {
        Ok(Some(entry.raw.clone()))
    }

    async fn load(
        _: &mut PgConnection,
        _: &[i64],
    ) -> Result<BTreeMap<i64, Self::Row>, sqlx::Error> {
        // Every row begins with its event.
        Ok(BTreeMap::new())
    }

    async fn save(connection: &mut PgConnection, rows: &[&Self::Row]) -> Result<(), sqlx::Error> {
        sqlx::query(
            "insert into audit (position, stream_type, stream_id, version, event_type, actor,
                                command_id, correlation_id, caused_by, recorded_at)
             select * from unnest($1::bigint[], $2::text[], $3::uuid[], $4::int[], $5::text[],
                                  $6::text[], $7::uuid[], $8::uuid[], $9::bigint[],
                                  $10::timestamptz[])",
        )
        .bind(column(rows, |event| event.position))
        .bind(column(rows, |event| &*event.stream_type))
        .bind(column(rows, |event| event.stream_id))
        .bind(column(rows, |event| event.version))
        .bind(column(rows, |event| &*event.event_type))
        .bind(column(rows, |event| &*event.actor))
        .bind(column(rows, |event| event.command_id))
        .bind(column(rows, |event| event.correlation_id))
        .bind(column(rows, |event| event.caused_by))
        .bind(column(rows, |event| event.recorded_at))
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy(event: &Self::Row, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(event.position)?;
        to.put(&*event.stream_type)?;
        to.put(event.stream_id)?;
        to.put(event.version)?;
        to.put(&*event.event_type)?;
        to.put(&*event.actor)?;
        to.put(event.command_id)?;
        to.put(event.correlation_id)?;
        to.put(event.caused_by)?;
        to.put(event.recorded_at)
    }

    async fn remove(_: &mut PgConnection, _: &[i64]) -> Result<(), sqlx::Error> {
        // What was done stays done.
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
