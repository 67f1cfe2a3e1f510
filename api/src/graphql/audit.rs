//! History: who did what, when and why.

use async_graphql::connection::Connection;
use async_graphql::{Context, Description, Enum, ID, InputObject, Json, Object, Result};
use chrono::{DateTime, Utc};
use domain::{Kind, OrderId, StreamId};
use event_store::RecordedEvent;
use projections::ReadModel;
use projections::audit::Filter;
use serde_json::value::RawValue;

use super::connection::{connect, page};
use super::errors::{fault, query_fault};
use super::orders::order;
use super::position::Position;
use super::shop::{caller, shop};

/// The kinds of things that have a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Kind")]
pub enum AggregateKind {
    /// Something that is sold.
    Product,
    /// What somebody means to buy.
    Cart,
    /// The stock of a SKU.
    Inventory,
    /// What somebody has bought.
    Order,
    /// An attempt to pay.
    Payment,
    /// A discount by code.
    Coupon,
    /// A message to somebody.
    Notification,
}

/// Something that happened. It never changes.
#[derive(Debug, Description)]
pub struct Event(RecordedEvent);

#[Object(use_type_description)]
impl Event {
    /// Its place in the log, which is its identity.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// What it happened to.
    async fn kind(&self) -> Result<AggregateKind> {
        let kind = self.0.stream_type.parse::<Kind>();
        kind.map(Into::into).map_err(|()| fault("INTERNAL", "an event of an unknown kind"))
    }

    /// The id of what it happened to.
    async fn stream_id(&self) -> ID {
        self.0.stream_id.into()
    }

    /// Its place in the history of what it happened to, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Its name, such as `order.placed`.
    async fn r#type(&self) -> &str {
        &self.0.event_type
    }

    /// All that is stored of it; personal data is sealed.
    async fn payload(&self) -> Result<Json<Box<RawValue>>> {
        let payload = RawValue::from_string(self.0.payload.clone());
        payload.map(Json).map_err(|_| fault("INTERNAL", "an event that is no JSON"))
    }

    /// Who did it: `customer:`, `guest:`, `staff:`, `key:` or `system:`, and an id.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// The command; only its first event has it.
    async fn command_id(&self) -> Option<ID> {
        self.0.command_id.map(ID::from)
    }

    /// The command at the root of it all.
    async fn correlation_id(&self) -> ID {
        self.0.correlation_id.into()
    }

    /// The position of the event that this one answers.
    async fn caused_by(&self) -> Option<Position> {
        self.0.caused_by.map(Position)
    }
}

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
        // An id that is none matches nothing.
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
        match own {
            true => history(ctx, stream, first, after).await,
            false => Ok(Connection::new(false, false)),
        }
    }

    /// Why an event happened: the chain of causes, the event itself first, the root last.
    async fn why(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's position.")] position: Position,
    ) -> Result<Vec<Event>> {
        let chain = shop(ctx).read_models.why(position.0).await.map_err(query_fault)?;
        Ok(chain.into_iter().map(Event).collect())
    }
}

/// A stream's events, the first first. What staff note is for staff.
pub async fn history(
    ctx: &Context<'_>,
    stream: StreamId,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<String, Event>> {
    let (begun, page) = (after.is_some(), page(first, after)?);
    let slice = shop(ctx).read_models.history(stream, &page).await.map_err(query_fault)?;
    let staff = caller(ctx).is_staff();
    let visible = |event: &RecordedEvent| staff || &*event.event_type != "order.note_added";
    Ok(connect(slice, begun, |event| visible(&event).then_some(Event(event))))
}
