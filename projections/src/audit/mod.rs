//! Who did what, when and why: what events are searched for by, indexed.

mod query;
mod why;

use std::collections::BTreeMap;
use std::sync::Arc;

use event_store::RecordedEvent;
use sqlx::PgConnection;

pub use self::query::Filter;
use crate::feed::Entry;
use crate::projection::{Poison, Projection, Statement};
use crate::row::column;
use crate::tuples::Tuples;

/// Takes envelopes as they are and decodes nothing: no event can stop it.
pub(crate) struct Audit;

impl Projection for Audit {
    const TABLE: &'static str = "audit";
    const KEY: &'static [&'static str] = &["position"];
    const VERSION: i32 = 1;
    const COLUMNS: &'static str =
        "position, stream_type, event_type, actor, command_id, correlation_id";
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

    const SAVE: &'static str =
        "insert into audit (position, stream_type, event_type, actor, command_id, correlation_id)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::uuid[],
                              $6::uuid[])";

    fn bind(save: Statement, rows: &[&Self::Row]) -> Result<Statement, sqlx::Error> {
        Ok(save
            .bind(column(rows, |event| event.position))
            .bind(column(rows, |event| &*event.stream_type))
            .bind(column(rows, |event| &*event.event_type))
            .bind(column(rows, |event| &*event.actor))
            .bind(column(rows, |event| event.command_id))
            .bind(column(rows, |event| event.correlation_id)))
    }

    fn copy(event: &Self::Row, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(event.position)?;
        to.put(&*event.stream_type)?;
        to.put(&*event.event_type)?;
        to.put(&*event.actor)?;
        to.put(event.command_id)?;
        to.put(event.correlation_id)
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
