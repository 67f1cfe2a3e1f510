//! Queries for events. Payloads are returned as they are stored, byte for byte.

use domain::{Kind, StreamId, Timestamp};
use event_store::RecordedEvent;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::event_columns;
use crate::page::{Page, QueryError, Slice};
use crate::read_models::ReadModels;

/// A row matches if it matches every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub kind: Option<Kind>,
    pub stream_id: Option<Uuid>,
    /// Event names such as `order.placed`; an event must have one of them.
    pub types: Option<Vec<String>>,
    pub actor: Option<String>,
    pub correlation_id: Option<Uuid>,
    pub command_id: Option<Uuid>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded before this time.
    pub to: Option<Timestamp>,
}

impl ReadModels {
    /// Newest first.
    pub async fn events(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<Slice<RecordedEvent>, QueryError> {
        let mut query = select(filter, page.after()?, page.limit());
        let events = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(page.slice(events, |event: &RecordedEvent| event.position.into()))
    }

    /// The events of a stream, oldest first. They are read from the log, so they are never stale.
    pub async fn history(
        &self,
        stream: StreamId,
        page: &Page,
    ) -> Result<Slice<RecordedEvent>, QueryError> {
        let events = sqlx::query_as(concat!(
            "select ",
            event_columns!(),
            " from events e where e.stream_id = $1 and e.stream_type = $2 and e.version > $3
              order by e.version limit $4"
        ))
        .bind(stream.id)
        .bind(stream.kind.as_str())
        .bind(page.after::<i32>()?.unwrap_or(0))
        .bind(page.limit())
        .fetch_all(self.pool())
        .await?;
        Ok(page.slice(events, |event: &RecordedEvent| i64::from(event.version).into()))
    }
}

fn select(filter: &Filter, before: Option<i64>, limit: i64) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("");
    let index = index(filter);
    if let Some((_, values)) = &index {
        query.push("select e.* from (select distinct unnest(").push_bind(values.clone());
        query.push("::text[])) as wanted (value) cross join lateral (");
    }
    query.push(concat!(
        "select ",
        event_columns!(),
        " from audit a join events e on e.position = a.position where true"
    ));
    restrict(&mut query, filter);
    if let Some(before) = before {
        query.push(" and a.position < ").push_bind(before);
    }
    match index {
        None => query.push(" order by a.position desc limit ").push_bind(limit),
        Some((column, _)) => {
            along_index(&mut query, column);
            query.push(" limit ").push_bind(limit);
            query.push(") as e order by e.position desc limit ").push_bind(limit)
        }
    };
    query
}

/// The column whose index is used, and the values that are looked up in it.
fn index(filter: &Filter) -> Option<(&'static str, Vec<String>)> {
    match filter {
        Filter { actor: Some(actor), .. } => Some(("actor", vec![actor.clone()])),
        Filter { types: Some(types), .. } => Some(("event_type", types.clone())),
        _ => None,
    }
}

/// Restricts the query to the newest events with one of the wanted values. Only the index on hash
/// and position has this order, so Postgres uses it. Otherwise Postgres may read all events from
/// the newest back until it has found enough, which takes long if the value is rare.
fn along_index(query: &mut QueryBuilder<Postgres>, column: &str) {
    query.push(format_args!(
        " and (hashtextextended(a.{column}, 0), a.position) >= (hashtextextended(wanted.value, 0), 0)
          and (hashtextextended(a.{column}, 0), a.position)
              <= (hashtextextended(wanted.value, 0), 9223372036854775807)
          and a.{column} = wanted.value
          order by hashtextextended(a.{column}, 0) desc, a.position desc"
    ));
}

fn restrict(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(kind) = filter.kind {
        query.push(" and a.stream_type = ").push_bind(kind.as_str());
    }
    if let Some(stream) = filter.stream_id {
        query.push(" and e.stream_id = ").push_bind(stream);
    }
    if let Some(types) = &filter.types {
        query.push(" and a.event_type = any(").push_bind(types.clone()).push(")");
    }
    if let Some(correlation) = filter.correlation_id {
        within_correlation(query, correlation);
    }
    if let Some(command) = filter.command_id {
        within_command(query, command);
    }
    // Events with higher positions were not recorded earlier.
    if let Some(from) = filter.from {
        query.push(" and a.position >= first_position_since(").push_bind(from).push(")");
    }
    if let Some(to) = filter.to {
        query.push(" and a.position < first_position_since(").push_bind(to).push(")");
    }
}

/// The index on the correlation id has no entry for the first event of the root command; that event
/// is found in the log by its command id.
fn within_correlation(query: &mut QueryBuilder<Postgres>, correlation: Uuid) {
    query.push(" and a.correlation_id = ").push_bind(correlation);
    query.push(" and a.position in (select position from events where command_id = ");
    query.push_bind(correlation);
    query.push(" union all select position from audit where correlation_id = ");
    query.push_bind(correlation);
    query.push(" and command_id is distinct from correlation_id)");
}

/// Only the first event of a command has its id, so the command's events end before the next event
/// with an id.
fn within_command(query: &mut QueryBuilder<Postgres>, command: Uuid) {
    query.push(" and a.position >= (select position from events where command_id = ");
    query.push_bind(command);
    query.push(
        ") and a.position < coalesce(
            (select n.position from events n
             where n.command_id is not null
               and n.position > (select position from events where command_id = ",
    );
    query.push_bind(command);
    query.push(") order by n.position limit 1), 9223372036854775807)");
}
