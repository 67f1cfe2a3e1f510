//! The type `Event`, and the history of a stream.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::{Kind, StreamId};
use event_store::RecordedEvent;
use serde_json::value::RawValue;

use crate::graphql::connection::{connect, connection, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::json::Json;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, shop};
use crate::graphql_http::error_with_code;

/// The kinds of objects whose changes are recorded in the event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Kind")]
pub enum AggregateKind {
    /// A product of the catalogue, see `Product`.
    Product,
    /// A shopping cart, see `Cart`.
    Cart,
    /// The stock of one SKU, see `InventoryItem`.
    Inventory,
    /// A placed order, see `Order`.
    Order,
    /// One attempt to pay for an order, see `Payment`.
    Payment,
    /// A discount code, see `Coupon`.
    Coupon,
    /// A message to a person, see `Notification`.
    Notification,
}

/// A fact in the event log: something that was changed, by whom and why. Events are never changed or
/// deleted.
#[derive(Debug, Description)]
pub struct Event(pub(super) RecordedEvent);

#[Object(use_type_description)]
impl Event {
    /// Place of the event in the log of the whole shop; it identifies the event.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// Which kind of object the event happened to.
    async fn kind(&self) -> Result<AggregateKind> {
        let kind = self.0.stream_type.parse::<Kind>();
        kind.map(Into::into)
            .map_err(|()| error_with_code("INTERNAL", "the event has an unknown kind"))
    }

    /// Id of the object that the event happened to; `node` finds it, unless it is a coupon.
    async fn stream_id(&self) -> ID {
        self.0.stream_id.into()
    }

    /// Number of the event among the events of the same object, from 1. It is the object's `version`
    /// after this event.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Name of the event: the kind of object and what happened, such as `order.placed`.
    async fn r#type(&self) -> &str {
        &self.0.event_type
    }

    /// The event's data as it is stored. Personal data is encrypted in it. Its fields depend on
    /// `type`.
    async fn payload(&self) -> Result<Json> {
        let payload = RawValue::from_string(self.0.payload.clone());
        payload
            .map(Json)
            .map_err(|_| error_with_code("INTERNAL", "the event is not stored as JSON"))
    }

    /// Who caused the event: `customer:`, `guest:`, `staff:`, `key:` or `system:`, then an id or a
    /// name.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// Time at which the event was written to the log.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// Id of the command that wrote this event. Only the first event of each command has it; it is
    /// null on the others.
    async fn command_id(&self) -> Option<ID> {
        self.0.command_id.map(ID::from)
    }

    /// Id of the command from which this event followed, directly or through other events. It is the
    /// same for everything that followed from one request.
    async fn correlation_id(&self) -> ID {
        self.0.correlation_id.into()
    }

    /// Position of the event to which the shop reacted by writing this one. Null if a caller's
    /// request wrote it.
    async fn caused_by(&self) -> Option<Position> {
        self.0.caused_by.map(Position)
    }
}

connection!(EventConnection, EventEdge, Event, "event", "events");

/// Loads the events of a stream, the oldest first. Callers who are not staff do not get the notes of staff.
pub async fn load_history(
    ctx: &Context<'_>,
    stream: StreamId,
    first: Option<i32>,
    after: Option<String>,
) -> Result<EventConnection> {
    let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
    let slice = shop(ctx).read_models.history(stream, &page).await.map_err(query_error)?;
    let is_staff = caller(ctx).is_staff();
    let is_visible = |event: &RecordedEvent| is_staff || &*event.event_type != "order.note_added";
    Ok(connect(slice, has_previous, |event| is_visible(&event).then_some(Event(event))))
}
