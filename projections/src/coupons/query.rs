//! Coupons by code, and by page.

use domain::coupon::{Coupon, CouponCode};

use super::{TABLE, code};
use crate::page::{Cursor, Page, QueryError, Slice};
use crate::read_models::ReadModels;
use crate::row::Row;

impl ReadModels {
    pub async fn coupon(&self, code: &CouponCode) -> Result<Option<Row<Coupon>>, QueryError> {
        let id = [code.stream().id];
        Ok(TABLE.select_by_ids(&id).fetch_optional(self.pool()).await?)
    }

    /// Ordered by code.
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
