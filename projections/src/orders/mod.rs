//! Orders by id, by number, by cart, by page, and their statistics.

mod query;
mod stats;

use cqrs_es::Aggregate as _;
use domain::cart::Owner;
use domain::order::{Order, OrderDetails};
use domain::{Event, Kind};

pub use self::query::Filter;
pub use self::stats::{Interval, Stats};
use crate::projection::Statement;
use crate::row::{Aggregates, Row, column, row_columns};
use crate::tuples::Tuples;

pub(crate) struct Orders;

impl Aggregates for Orders {
    const TABLE: &'static str = "orders";
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Order;
    const LOAD: &'static str =
        concat!("select ", row_columns!(), " from orders where id = any($1)");
    const COLUMNS: &'static str = concat!(
        row_columns!(),
        ", number, cart_id, customer_id, status, placed_at, total, currency"
    );
    type State = Order;

    fn fold(order: &mut Order, event: &Event) {
        if let Event::Order(event) = event {
            order.apply(event.clone());
        }
    }

    const SAVE: &'static str =
        "insert into orders (id, version, position, created_at, updated_at, state,
                             number, cart_id, customer_id, status, placed_at, total, currency)
         select id, version, position, created_at, updated_at, state::json,
                number, cart_id, customer_id, status, placed_at, total, currency
         from unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                     $5::timestamptz[], $6::text[], $7::text[], $8::uuid[], $9::uuid[],
                     $10::text[], $11::timestamptz[], $12::bigint[], $13::text[])
           as row (id, version, position, created_at, updated_at, state,
                   number, cart_id, customer_id, status, placed_at, total, currency)
         on conflict (id) do update set
             version = excluded.version, position = excluded.position,
             updated_at = excluded.updated_at, state = excluded.state,
             status = excluded.status";

    fn bind_columns(save: Statement, rows: &[&Row<Order>]) -> Statement {
        save.bind(column(rows, |row| of(row, |order| order.placed.number.clone())))
            .bind(column(rows, |row| of(row, |order| order.placed.cart.0)))
            .bind(column(rows, |row| of(row, customer).flatten()))
            .bind(column(rows, |row| of(row, |order| order.status().as_str())))
            .bind(column(rows, |row| of(row, |order| order.placed.at)))
            .bind(column(rows, |row| of(row, |order| order.total().amount)))
            .bind(column(rows, |row| of(row, |order| order.total().currency.to_string())))
    }

    fn copy(row: &Row<Order>, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(of(row, |order| order.placed.number.clone()))?;
        to.put(of(row, |order| order.placed.cart.0))?;
        to.put(of(row, customer).flatten())?;
        to.put(of(row, |order| order.status().as_str()))?;
        to.put(of(row, |order| order.placed.at))?;
        to.put(of(row, |order| order.total().amount))?;
        to.put(of(row, |order| order.total().currency.to_string()))
    }
}

/// A stream that does not begin with `order.placed` has no value for any column, and is refused.
fn of<V>(row: &Row<Order>, value: impl Fn(&OrderDetails) -> V) -> Option<V> {
    row.state.details().map(value)
}

fn customer(order: &OrderDetails) -> Option<uuid::Uuid> {
    match order.placed.buyer {
        Owner::Guest => None,
        Owner::Customer(customer) => Some(customer.0),
    }
}
