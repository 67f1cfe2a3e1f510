//! Statistics: the number and the total of orders, by interval of time.

use domain::Timestamp;
use domain::order::OrderStatus;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use crate::page::QueryError;
use crate::read_models::ReadModels;

/// The length of the intervals. They begin at full hours, days, weeks and months of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    Hour,
    Day,
    Week,
    Month,
}

/// The orders of one status and one currency that were placed in one interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// The start of the interval.
    pub begins: Timestamp,
    pub status: OrderStatus,
    pub currency: String,
    pub orders: i64,
    /// The sum of their totals, in minor units of the currency.
    pub total: i64,
}

impl<'r> FromRow<'r, PgRow> for Stats {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let status: String = row.try_get("status")?;
        let status = OrderStatus::try_from(status);
        Ok(Stats {
            begins: row.try_get("begins")?,
            status: status.map_err(|error| sqlx::Error::Decode(error.into()))?,
            currency: row.try_get("currency")?,
            orders: row.try_get("orders")?,
            total: row.try_get("total")?,
        })
    }
}

impl ReadModels {
    /// Statistics of orders placed in `[from, to)`; intervals without orders are left out.
    pub async fn order_stats(
        &self,
        from: Timestamp,
        to: Timestamp,
        interval: Interval,
    ) -> Result<Vec<Stats>, QueryError> {
        let stats = sqlx::query_as(
            "select date_trunc($3, placed_at, 'UTC') as begins, status, currency,
                    count(*) as orders, sum(total)::bigint as total
             from orders where placed_at >= $1 and placed_at < $2
             group by begins, status, currency
             order by begins, status, currency",
        );
        let interval = match interval {
            Interval::Hour => "hour",
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
        };
        Ok(stats.bind(from).bind(to).bind(interval).fetch_all(self.pool()).await?)
    }
}
