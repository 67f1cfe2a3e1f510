//! Orders by id, by number, by cart, by page, and their statistics.

mod query;
mod stats;

use std::sync::LazyLock;

use cqrs_es::Aggregate as _;
use domain::cart::Owner;
use domain::order::{Order, OrderDetails};
use domain::{CustomerId, Event, Kind};

pub use self::query::Filter;
pub use self::stats::{Interval, Stats};
use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Orders;

static TABLE: LazyLock<Table<Row<Order>>> = LazyLock::new(|| {
    let columns = [
        Column::text("number", |row| Some(&order(row)?.placed.number)),
        Column::uuid("cart_id", |row| Some(order(row)?.placed.cart.0)),
        Column::uuid("customer_id", |row| Some(customer(order(row)?)?.0)),
        Column::text("status", |row| Some(order(row)?.status().as_str())),
        Column::timestamptz("placed_at", |row| Some(order(row)?.placed.at)),
        Column::bigint("total", |row| Some(order(row)?.total().amount)),
        Column::text("currency", |row| Some(order(row)?.placed.totals.total.currency.code())),
    ];
    Table::of_aggregates("orders", columns)
});

impl Aggregates for Orders {
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Order;
    type State = Order;

    fn table() -> &'static Table<Row<Order>> {
        &TABLE
    }

    fn fold(order: &mut Order, event: &Event) {
        if let Event::Order(event) = event {
            order.apply(event.clone());
        }
    }
}

/// None if the stream does not begin with `order.placed`. Its columns are then null, so the table
/// refuses the row.
fn order(row: &Row<Order>) -> Option<&OrderDetails> {
    row.state.details()
}

fn customer(order: &OrderDetails) -> Option<CustomerId> {
    match order.placed.buyer {
        Owner::Guest => None,
        Owner::Customer(customer) => Some(customer),
    }
}
