//! The state of any aggregate, folded from its events.

use std::sync::LazyLock;

use cqrs_es::Aggregate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cart::Cart;
use crate::coupon::Coupon;
use crate::inventory::Inventory;
use crate::notification::Notification;
use crate::order::Order;
use crate::payment::Payment;
use crate::product::Product;
use crate::{Event, Kind};

/// The state of one of the aggregates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum State {
    Product(Product),
    Cart(Cart),
    Inventory(Inventory),
    Order(Order),
    Payment(Payment),
    Coupon(Coupon),
    Notification(Notification),
}

impl State {
    /// The state of an aggregate whose stream has no events.
    pub fn absent(kind: Kind) -> State {
        match kind {
            Kind::Product => State::Product(Product::default()),
            Kind::Cart => State::Cart(Cart::default()),
            Kind::Inventory => State::Inventory(Inventory::default()),
            Kind::Order => State::Order(Order::default()),
            Kind::Payment => State::Payment(Payment::default()),
            Kind::Coupon => State::Coupon(Coupon::default()),
            Kind::Notification => State::Notification(Notification::default()),
        }
    }

    /// The version of the states of this kind: the hash of its golden states. A state that was
    /// stored under another hash may have another form, or may have been folded by other rules.
    pub fn schema(kind: Kind) -> Uuid {
        static SCHEMAS: LazyLock<[Uuid; Kind::ALL.len()]> = LazyLock::new(|| {
            Kind::ALL.map(|kind| Uuid::new_v5(&Uuid::NAMESPACE_OID, golden(kind)))
        });
        SCHEMAS[kind as usize]
    }

    pub fn kind(&self) -> Kind {
        match self {
            State::Product(_) => Kind::Product,
            State::Cart(_) => Kind::Cart,
            State::Inventory(_) => Kind::Inventory,
            State::Order(_) => Kind::Order,
            State::Payment(_) => Kind::Payment,
            State::Coupon(_) => Kind::Coupon,
            State::Notification(_) => Kind::Notification,
        }
    }

    /// Folds one event of the same kind; a stream has no other events.
    pub fn apply(&mut self, event: Event) {
        match (self, event) {
            (State::Product(state), Event::Product(event)) => state.apply(event),
            (State::Cart(state), Event::Cart(event)) => state.apply(event),
            (State::Inventory(state), Event::Inventory(event)) => state.apply(event),
            (State::Order(state), Event::Order(event)) => state.apply(event),
            (State::Payment(state), Event::Payment(event)) => state.apply(event),
            (State::Coupon(state), Event::Coupon(event)) => state.apply(event),
            (State::Notification(state), Event::Notification(event)) => state.apply(event),
            (state, event) => {
                debug_assert!(false, "{} is not an event of kind {}", event.name(), state.kind());
            }
        }
    }
}

/// The states that the sample events lead to; a test compares them with what the program folds.
fn golden(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Product => include_bytes!("../tests/states/product.json"),
        Kind::Cart => include_bytes!("../tests/states/cart.json"),
        Kind::Inventory => include_bytes!("../tests/states/inventory.json"),
        Kind::Order => include_bytes!("../tests/states/order.json"),
        Kind::Payment => include_bytes!("../tests/states/payment.json"),
        Kind::Coupon => include_bytes!("../tests/states/coupon.json"),
        Kind::Notification => include_bytes!("../tests/states/notification.json"),
    }
}
