//! The coupons: by code, by page.

use cqrs_es::Aggregate;
use domain::coupon::{Coupon, CouponCode, CouponDetails};
use domain::{Event, Kind};
use sqlx::{Postgres, QueryBuilder};

use crate::page::{Cursor, Page, QueryError, Slice};
use crate::projection::Statement;
use crate::read_models::ReadModels;
use crate::row::{Aggregates, Row, column, row_columns};
use crate::tuples::Tuples;

pub(crate) struct Coupons;

impl Aggregates for Coupons {
    const TABLE: &'static str = "coupons";
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Coupon;
    const LOAD: &'static str =
        concat!("select ", row_columns!(), " from coupons where id = any($1)");
    const COLUMNS: &'static str = concat!(row_columns!(), ", code");
    type State = Coupon;

    fn fold(coupon: &mut Coupon, event: &Event) {
        if let Event::Coupon(event) = event {
            coupon.apply(event.clone());
        }
    }

    const SAVE: &'static str =
        "insert into coupons (id, version, position, created_at, updated_at, state, code)
         select id, version, position, created_at, updated_at, state::json, code
         from unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                     $5::timestamptz[], $6::text[], $7::text[])
           as row (id, version, position, created_at, updated_at, state, code)
         on conflict (id) do update set
             version = excluded.version, position = excluded.position,
             updated_at = excluded.updated_at, state = excluded.state";

    fn bind_columns(save: Statement, rows: &[&Row<Coupon>]) -> Statement {
        save.bind(column(rows, |row| code(&row.state).map(str::to_owned)))
    }

    fn copy(row: &Row<Coupon>, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(code(&row.state))
    }
}

/// A stream that does not begin with `coupon.created` has no value for the column, and is refused.
fn code(coupon: &Coupon) -> Option<&str> {
    coupon.details().map(|issued: &CouponDetails| issued.code.as_str())
}

impl ReadModels {
    pub async fn coupon(&self, code: &CouponCode) -> Result<Option<Row<Coupon>>, QueryError> {
        let id = [code.stream().id];
        Ok(sqlx::query_as(Coupons::LOAD).bind(&id[..]).fetch_optional(self.pool()).await?)
    }

    /// By code.
    pub async fn coupons(&self, page: &Page) -> Result<Slice<Row<Coupon>>, QueryError> {
        let mut query = QueryBuilder::<Postgres>::new(concat!(
            "select ",
            row_columns!(),
            " from coupons where true"
        ));
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
