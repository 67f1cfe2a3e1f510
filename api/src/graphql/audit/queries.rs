//! Queries of the log.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use domain::{Kind, OrderId, StreamId};
use projections::ReadModel;
use projections::audit::Filter;

use super::event::{AggregateKind, Event, history};
use crate::graphql::connection::{connect, page};
use crate::graphql::errors::query_fault;
use crate::graphql::orders::order;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, shop};

/// Which events. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
pub struct EventFilter {
    /// What they happened to.
    kind: Option<AggregateKind>,
    /// The id of what they happened to.
    stream_id: Option<ID>,
    /// Their names; any of them.
    types: Option<Vec<String>>,
    /// Who did it.
    actor: Option<String>,
    /// The command at the root of it all.
    correlation_id: Option<ID>,
    /// The command.
    command_id: Option<ID>,
    /// Recorded at this moment or later.
    from: Option<DateTime<Utc>>,
    /// Recorded before this moment.
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
    /// Events, the latest first.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Which ones.")] filter: Option<EventFilter>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, Event>> {
        shop(ctx).fresh(&[ReadModel::Audit], min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let filter = filter.unwrap_or_default().into();
        let slice = shop(ctx).read_models.events(&filter, &page).await.map_err(query_fault)?;
        Ok(connect(slice, begun, |event| Some(Event(event))))
    }

    /// All that happened to one thing, the first first. Customers may ask for their own orders.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is.")] kind: AggregateKind,
        #[graphql(desc = "Its id.")] id: ID,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, Event>> {
        shop(ctx).fresh(&[ReadModel::Orders], min_position).await?;
        let Ok(id) = id.parse() else { return Ok(Connection::new(false, false)) };
        let stream = StreamId::new(kind.into(), id);
        let own = match stream.kind {
            _ if caller(ctx).is_staff() => true,
            Kind::Order => order(ctx, OrderId(id)).await?.is_some(),
            _ => false,
        };
        if own {
            history(ctx, stream, first, after).await
        } else {
            Ok(Connection::new(false, false))
        }
    }

    /// Why an event happened: the chain of causes, the event itself first, the root last.
    async fn why(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's position.")] position: Position,
    ) -> Result<Vec<Event>> {
        let chain = shop(ctx).read_models.causes(position.0).await.map_err(query_fault)?;
        Ok(chain.into_iter().map(Event).collect())
    }
}
