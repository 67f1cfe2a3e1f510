//! Any event of the shop, as the log stores it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Kind;
use crate::cart::CartEvent;
use crate::coupon::CouponEvent;
use crate::inventory::InventoryEvent;
use crate::notification::NotificationEvent;
use crate::order::OrderEvent;
use crate::payment::PaymentEvent;
use crate::product::ProductEvent;
use crate::stored_name::stored_name;

/// The event of one of the aggregates.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    Product(ProductEvent),
    Cart(CartEvent),
    Inventory(InventoryEvent),
    Order(OrderEvent),
    Payment(PaymentEvent),
    Coupon(CouponEvent),
    Notification(NotificationEvent),
}

/// A stored payload that cannot be read as an event of its aggregate.
#[derive(Debug, thiserror::Error)]
#[error("the payload cannot be read as an event of kind `{kind}`: {source}")]
pub struct DecodeError {
    pub kind: Kind,
    #[source]
    pub source: serde_json::Error,
}

impl Event {
    /// The stored `event_type`.
    pub fn name(&self) -> &'static str {
        stored_name(self)
    }

    /// The stored `schema_version`: the version that this program writes.
    pub fn schema_version(&self) -> i16 {
        match self {
            Event::Cart(event) => event.schema_version(),
            Event::Order(event) => event.schema_version(),
            _ => 1,
        }
    }

    /// The stored payload: an object whose only key is the event's name.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Decodes a payload of the current schema; [`crate::upcasters`] lift older payloads to it.
    pub fn decode(kind: Kind, payload: &str) -> Result<Event, DecodeError> {
        match kind {
            Kind::Product => parse(kind, payload).map(Event::Product),
            Kind::Cart => parse(kind, payload).map(Event::Cart),
            Kind::Inventory => parse(kind, payload).map(Event::Inventory),
            Kind::Order => parse(kind, payload).map(Event::Order),
            Kind::Payment => parse(kind, payload).map(Event::Payment),
            Kind::Coupon => parse(kind, payload).map(Event::Coupon),
            Kind::Notification => parse(kind, payload).map(Event::Notification),
        }
    }
}

fn parse<E: DeserializeOwned>(kind: Kind, payload: &str) -> Result<E, DecodeError> {
    serde_json::from_str(payload).map_err(|source| DecodeError { kind, source })
}

impl From<ProductEvent> for Event {
    fn from(event: ProductEvent) -> Self {
        Event::Product(event)
    }
}

impl From<CartEvent> for Event {
    fn from(event: CartEvent) -> Self {
        Event::Cart(event)
    }
}

impl From<InventoryEvent> for Event {
    fn from(event: InventoryEvent) -> Self {
        Event::Inventory(event)
    }
}

impl From<OrderEvent> for Event {
    fn from(event: OrderEvent) -> Self {
        Event::Order(event)
    }
}

impl From<PaymentEvent> for Event {
    fn from(event: PaymentEvent) -> Self {
        Event::Payment(event)
    }
}

impl From<CouponEvent> for Event {
    fn from(event: CouponEvent) -> Self {
        Event::Coupon(event)
    }
}

impl From<NotificationEvent> for Event {
    fn from(event: NotificationEvent) -> Self {
        Event::Notification(event)
    }
}
