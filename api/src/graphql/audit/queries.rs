//! The queries of the event log.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use domain::{Kind, OrderId, StreamId};
use projections::ReadModel;
use projections::audit::Filter;

use super::event::{AggregateKind, Event, EventConnection, load_history};
use crate::graphql::connection::{connect, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::orders::load_order;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, shop};

/// Selects events. Conditions that are left out or null match every event; all others must hold
/// together.
#[derive(Debug, Default, InputObject)]
pub struct EventFilter {
    /// Only events of this kind of object.
    kind: Option<AggregateKind>,
    /// Only events of the object with this id.
    stream_id: Option<ID>,
    /// Only events with one of these names, such as `["order.placed", "order.shipped"]`. An empty
    /// list matches nothing.
    types: Option<Vec<String>>,
    /// Only events caused by exactly this actor, as in `Event.actor`.
    actor: Option<String>,
    /// Only events that followed from the command with this id.
    correlation_id: Option<ID>,
    /// Only the first event written by the command with this id.
    command_id: Option<ID>,
    /// Only events recorded at or after this time.
    from: Option<DateTime<Utc>>,
    /// Only events recorded before this time.
    to: Option<DateTime<Utc>>,
}

impl From<EventFilter> for Filter {
    fn from(filter: EventFilter) -> Self {
        // A text that is not an id becomes the nil id, which matches nothing.
        let id = |id: Option<ID>| id.map(|id| id.parse().unwrap_or_default());
        Filter {
            kind: filter.kind.map(Into::into),
            stream_id: id(filter.stream_id),
            types: filter.types,
            actor: filter.actor,
            correlation_id: id(filter.correlation_id),
            command_id: id(filter.command_id),
            from: filter.from,
            to: filter.to,
        }
    }
}

#[derive(Debug, Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Events of the log, the newest first: everything that anyone has changed.
    ///
    /// Only staff may call it.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of events, 0 to 100; 20 by default.")] first: Option<
            i32,
        >,
        #[graphql(
            desc = "The `cursor` of the last event already seen; by default the list starts with the newest event."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Conditions that the events must all meet; without it, every event is listed."
        )]
        filter: Option<EventFilter>,
        #[graphql(desc = "Wait until the index of events includes the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<EventConnection> {
        shop(ctx).wait_for_models(&[ReadModel::Audit], min_position).await?;
        let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
        let filter = filter.unwrap_or_default().into();
        let slice = shop(ctx).read_models.events(&filter, &page).await.map_err(query_error)?;
        Ok(connect(slice, has_previous, |event| Some(Event(event))))
    }

    /// All events of one object, the oldest first. Customers can ask for the orders they own, without
    /// the notes of staff; for anything else they get an empty list.
    ///
    /// Customers and staff may call it.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which kind of object the id belongs to.")] kind: AggregateKind,
        #[graphql(desc = "The object's UUID, as in its `id` field.")] id: ID,
        #[graphql(desc = "Size of the page of the history, 0 to 100; 20 by default.")]
        first: Option<i32>,
        #[graphql(
            desc = "The `cursor` of the last event already seen; by default the list starts with the object's first event."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Wait until orders show the event at this position, because they decide who may see a history."
        )]
        min_position: Option<Position>,
    ) -> Result<EventConnection> {
        shop(ctx).wait_for_models(&[ReadModel::Orders], min_position).await?;
        let Ok(id) = id.parse() else { return Ok(EventConnection::default()) };
        let stream = StreamId::new(kind.into(), id);
        let is_visible = match stream.kind {
            _ if caller(ctx).is_staff() => true,
            Kind::Order => load_order(ctx, OrderId(id)).await?.is_some(),
            _ => false,
        };
        if is_visible {
            load_history(ctx, stream, first, after).await
        } else {
            Ok(EventConnection::default())
        }
    }

    /// Explains why an event happened: the event itself, then the event that caused it, and so on
    /// back to the first event of the command that began it all. The list is empty if there is no
    /// event at this position.
    ///
    /// Only staff may call it.
    async fn why(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Position of the event to explain, as in `Event.position`.")]
        position: Position,
    ) -> Result<Vec<Event>> {
        let chain = shop(ctx).read_models.causes(position.0).await.map_err(query_error)?;
        Ok(chain.into_iter().map(Event).collect())
    }
}
