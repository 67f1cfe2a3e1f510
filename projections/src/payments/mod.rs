//! Payments by id, by order, by page.

mod query;

use cqrs_es::Aggregate as _;
use domain::payment::{Payment, PaymentDetails};
use domain::{Event, Kind};

pub use self::query::Filter;
use crate::projection::Statement;
use crate::row::{Aggregates, Row, column, row_columns};
use crate::tuples::Tuples;

pub(crate) struct Payments;

impl Aggregates for Payments {
    const TABLE: &'static str = "payments";
    const VERSION: i32 = 2;
    const KIND: Kind = Kind::Payment;
    const LOAD: &'static str =
        concat!("select ", row_columns!(), " from payments where id = any($1)");
    const COLUMNS: &'static str = concat!(row_columns!(), ", order_id, status, needs_attention");
    type State = Payment;

    fn fold(payment: &mut Payment, event: &Event) {
        if let Event::Payment(event) = event {
            payment.apply(event.clone());
        }
    }

    const SAVE: &'static str =
        "insert into payments (id, version, position, created_at, updated_at, state,
                               order_id, status, needs_attention)
         select id, version, position, created_at, updated_at, state::json,
                order_id, status, needs_attention
         from unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                     $5::timestamptz[], $6::text[], $7::uuid[], $8::text[], $9::boolean[])
           as row (id, version, position, created_at, updated_at, state,
                   order_id, status, needs_attention)
         on conflict (id) do update set
             version = excluded.version, position = excluded.position,
             updated_at = excluded.updated_at, state = excluded.state,
             status = excluded.status, needs_attention = excluded.needs_attention";

    fn bind_columns(save: Statement, rows: &[&Row<Payment>]) -> Statement {
        save.bind(column(rows, |row| of(row, |payment| payment.order.0)))
            .bind(column(rows, |row| of(row, |payment| payment.status().as_str())))
            .bind(column(rows, |row| of(row, |payment| payment.needs_attention.is_some())))
    }

    fn copy(row: &Row<Payment>, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(of(row, |payment| payment.order.0))?;
        to.put(of(row, |payment| payment.status().as_str()))?;
        to.put(of(row, |payment| payment.needs_attention.is_some()))
    }
}

/// A stream that does not begin with `payment.initiated` has no value for any column, and is
/// refused.
fn of<V>(row: &Row<Payment>, value: impl Fn(&PaymentDetails) -> V) -> Option<V> {
    row.state.details().map(value)
}
