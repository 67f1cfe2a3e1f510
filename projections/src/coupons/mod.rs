//! Coupons by code and by page.

mod query;

use std::sync::LazyLock;

use cqrs_es::Aggregate as _;
use domain::coupon::Coupon;
use domain::{Event, Kind};

use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Coupons;

static TABLE: LazyLock<Table<Row<Coupon>>> = LazyLock::new(|| {
    let columns = [Column::text("code", |row: &Row<Coupon>| code(&row.state))];
    Table::of_aggregates("coupons", columns)
});

impl Aggregates for Coupons {
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Coupon;
    type State = Coupon;

    fn table() -> &'static Table<Row<Coupon>> {
        &TABLE
    }

    fn fold(coupon: &mut Coupon, event: &Event) {
        if let Event::Coupon(event) = event {
            coupon.apply(event.clone());
        }
    }
}

/// None if the stream does not begin with `coupon.created`. The column is then null, so the table
/// refuses the row.
fn code(coupon: &Coupon) -> Option<&str> {
    Some(coupon.details()?.code.as_str())
}
