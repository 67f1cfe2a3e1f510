//! Payments by id, by order, by page.

mod query;

use std::sync::LazyLock;

use cqrs_es::Aggregate as _;
use domain::payment::{Payment, PaymentDetails};
use domain::{Event, Kind};

pub use self::query::Filter;
use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Payments;

static TABLE: LazyLock<Table<Row<Payment>>> = LazyLock::new(|| {
    let columns = [
        Column::uuid("order_id", |row| Some(payment(row)?.order.0)),
        Column::text("status", |row| Some(payment(row)?.status().as_str())),
        Column::boolean("needs_attention", |row| Some(payment(row)?.needs_attention.is_some())),
    ];
    Table::of_aggregates("payments", columns)
});

impl Aggregates for Payments {
    const VERSION: i32 = 2;
    const KIND: Kind = Kind::Payment;
    type State = Payment;

    fn table() -> &'static Table<Row<Payment>> {
        &TABLE
    }

    fn fold(payment: &mut Payment, event: &Event) {
        if let Event::Payment(event) = event {
            payment.apply(event.clone());
        }
    }
}

/// None if the stream does not begin with `payment.initiated`. Its columns are then null, so the
/// table refuses the row.
fn payment(row: &Row<Payment>) -> Option<&PaymentDetails> {
    row.state.details()
}
