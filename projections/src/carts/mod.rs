//! Carts by id, and the latest cart of a customer.

mod query;

use std::sync::LazyLock;

use chrono::{DurationRound as _, TimeDelta};
use cqrs_es::Aggregate as _;
use domain::cart::{Cart, Owner};
use domain::{CustomerId, Event, Kind, Timestamp};

pub use self::query::{LapsedCart, NumberedCart};
use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Carts;

static TABLE: LazyLock<Table<Row<Cart>>> = LazyLock::new(|| {
    let columns = [
        Column::uuid("customer_id", |row: &Row<Cart>| Some(customer(&row.state)?.0)),
        Column::timestamptz("expires_at", |row| expires_at(&row.state)),
    ];
    Table::of_aggregates("carts", columns)
});

impl Aggregates for Carts {
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Cart;
    type State = Cart;

    fn table() -> &'static Table<Row<Cart>> {
        &TABLE
    }

    fn fold(cart: &mut Cart, event: &Event) {
        if let Event::Cart(event) = event {
            cart.apply(event.clone());
        }
    }
}

fn customer(cart: &Cart) -> Option<CustomerId> {
    match cart.details()?.owner {
        Owner::Guest => None,
        Owner::Customer(customer) => Some(customer),
    }
}

/// Rounded up, as described in the migration that added the column.
fn expires_at(cart: &Cart) -> Option<Timestamp> {
    let Cart::Active(details) = cart else { return None };
    let grain = TimeDelta::milliseconds(details.idle_seconds.max(1).into());
    let expires_at = details.expires_at();
    Some(expires_at.duration_round_up(grain).unwrap_or(expires_at))
}
