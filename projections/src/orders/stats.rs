//! How business goes: orders and what they came to, by span of time.

use domain::Timestamp;
use domain::order::OrderStatus;
use sqlx::FromRow;

use crate::page::QueryError;
use crate::read_models::ReadModels;

/// Spans of UTC time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    Hour,
    Day,
    Week,
    Month,
}

/// The orders of one status and one currency that were placed in one span.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Stats {
    /// When the span begins.
    pub begins: Timestamp,
    #[sqlx(try_from = "String")]
    pub status: OrderStatus,
    pub currency: String,
    pub orders: i64,
    /// In minor units.
    pub total: i64,
}

impl ReadModels {
    /// For orders placed in `[from, to)`; spans without orders are left out.
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
