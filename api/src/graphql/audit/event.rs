//! An event as a client sees it, and the history of a stream.

use async_graphql::connection::Connection;
use async_graphql::{Context, Description, Enum, ID, Json, Object, Result};
use chrono::{DateTime, Utc};
use domain::{Kind, StreamId};
use event_store::RecordedEvent;
use serde_json::value::RawValue;

use crate::graphql::connection::{connect, page};
use crate::graphql::errors::{fault, query_fault};
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, shop};

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
pub struct Event(pub(super) RecordedEvent);

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

/// The events of a stream, the first one first. Only staff get the notes of staff.
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
