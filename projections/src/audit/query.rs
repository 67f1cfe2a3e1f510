//! Questions to history. Payloads are answered as they are stored, byte for byte.

use domain::{Kind, StreamId, Timestamp};
use event_store::RecordedEvent;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::event_columns;
use crate::page::{Page, QueryError, Slice};
use crate::read_models::ReadModels;

/// What is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub kind: Option<Kind>,
    pub stream_id: Option<Uuid>,
    /// Stored names such as `order.placed`; any of them.
    pub types: Option<Vec<String>>,
    pub actor: Option<String>,
    pub correlation_id: Option<Uuid>,
    pub command_id: Option<Uuid>,
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
}

impl ReadModels {
    /// Newest first.
    pub async fn events(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<Slice<RecordedEvent>, QueryError> {
        let mut query = select(filter);
        if let Some(after) = page.after::<i64>()? {
            query.push(" and a.position < ").push_bind(after);
        }
        query.push(" order by a.position desc limit ").push_bind(page.limit());
        let events = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(page.slice(events, |event: &RecordedEvent| event.position.into()))
    }

    /// A stream's events, from its first on. Comes straight from the log: it is never stale.
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

fn select(filter: &Filter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(concat!(
        "select ",
        event_columns!(),
        " from audit a join events e on e.position = a.position where true"
    ));
    if let Some(kind) = filter.kind {
        query.push(" and a.stream_type = ").push_bind(kind.as_str());
    }
    if let Some(stream) = filter.stream_id {
        query.push(" and e.stream_id = ").push_bind(stream);
    }
    if let Some(types) = &filter.types {
        query.push(" and a.event_type = any(").push_bind(types.clone()).push(")");
    }
    if let Some(actor) = &filter.actor {
        query.push(" and a.actor = ").push_bind(actor.clone());
    }
    if let Some(correlation) = filter.correlation_id {
        query.push(" and a.correlation_id = ").push_bind(correlation);
    }
    if let Some(command) = filter.command_id {
        within_command(&mut query, command);
    }
    if let Some(from) = filter.from {
        query.push(" and a.recorded_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" and a.recorded_at < ").push_bind(to);
    }
    query
}

/// Only the first event of a command carries its id, so it reaches up to the next id.
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
