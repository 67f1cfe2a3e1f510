//! Any aggregate of the shop, folded from its events.

use cqrs_es::Aggregate;
use serde::{Deserialize, Serialize};

use crate::cart::Cart;
use crate::coupon::Coupon;
use crate::inventory::Inventory;
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
}

impl State {
    /// An aggregate of which nothing has been heard.
    pub fn absent(kind: Kind) -> State {
        match kind {
            Kind::Product => State::Product(Product::default()),
            Kind::Cart => State::Cart(Cart::default()),
            Kind::Inventory => State::Inventory(Inventory::default()),
            Kind::Order => State::Order(Order::default()),
            Kind::Payment => State::Payment(Payment::default()),
            Kind::Coupon => State::Coupon(Coupon::default()),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            State::Product(_) => Kind::Product,
            State::Cart(_) => Kind::Cart,
            State::Inventory(_) => Kind::Inventory,
            State::Order(_) => Kind::Order,
            State::Payment(_) => Kind::Payment,
            State::Coupon(_) => Kind::Coupon,
        }
    }

    /// Folds one event of the same kind; streams hold no others.
    pub fn apply(&mut self, event: Event) {
        match (self, event) {
            (State::Product(state), Event::Product(event)) => state.apply(event),
            (State::Cart(state), Event::Cart(event)) => state.apply(event),
            (State::Inventory(state), Event::Inventory(event)) => state.apply(event),
            (State::Order(state), Event::Order(event)) => state.apply(event),
            (State::Payment(state), Event::Payment(event)) => state.apply(event),
            (State::Coupon(state), Event::Coupon(event)) => state.apply(event),
            (state, event) => {
                debug_assert!(false, "{} is no event of a {}", event.name(), state.kind());
            }
        }
    }
}
