//! The coupons: by code, by page.

use std::sync::LazyLock;

use cqrs_es::Aggregate as _;
use domain::coupon::{Coupon, CouponCode};
use domain::{Event, Kind};

use crate::page::{Cursor, Page, QueryError, Slice};
use crate::read_models::ReadModels;
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

/// None if the stream does not begin with `coupon.created`. The column is then null, which the table
/// refuses.
fn code(coupon: &Coupon) -> Option<&str> {
    Some(coupon.details()?.code.as_str())
}

impl ReadModels {
    pub async fn coupon(&self, code: &CouponCode) -> Result<Option<Row<Coupon>>, QueryError> {
        let id = [code.stream().id];
        Ok(TABLE.select_by_ids(&id).fetch_optional(self.pool()).await?)
    }

    /// In the order of their codes.
    pub async fn coupons(&self, page: &Page) -> Result<Slice<Row<Coupon>>, QueryError> {
        let mut query = TABLE.filter();
        if let Some(after) = page.after::<String>()? {
            query.push(" and code > ").push_bind(after);
        }
        query.push(" order by code limit ").push(page.limit());
        let rows = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(page.slice(rows, |row: &Row<Coupon>| {
            Cursor::new(code(&row.state).unwrap_or_default().to_owned())
        }))
    }
}
