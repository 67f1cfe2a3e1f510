//! How business goes.

use std::collections::BTreeMap;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::Currency;
use projections::ReadModel;
use projections::orders::Stats;

use super::OrderStatus;
use crate::graphql::errors::{fault, query_fault};
use crate::graphql::money::Money;
use crate::graphql::position::Position;
use crate::graphql::shop::shop;

/// The days that are looked back where no beginning is named.
const LOOK_BACK: TimeDelta = TimeDelta::days(30);
/// The most spans that are answered at once.
const SPANS_MAX: i64 = 1_000;

/// A span of UTC time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::orders::Interval")]
pub enum StatsInterval {
    /// From minute 0 to minute 59.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
}

/// The orders placed from a moment on and before another, as they stand now.
#[derive(Debug, SimpleObject)]
pub struct OrderStats {
    /// The first moment.
    from: DateTime<Utc>,
    /// The moment after the last.
    to: DateTime<Utc>,
    /// All of them together.
    overall: OrderFigures,
    /// Span by span, the earliest first; spans in which no order was placed are left out.
    spans: Vec<OrderSpan>,
}

/// The orders that were placed in one span.
#[derive(Debug, SimpleObject)]
pub struct OrderSpan {
    /// When the span begins.
    begins: DateTime<Utc>,
    /// Its orders.
    figures: OrderFigures,
}

/// How many orders, and what they came to.
#[derive(Debug, SimpleObject)]
pub struct OrderFigures {
    /// All orders, whatever became of them.
    orders: i64,
    /// Of those that were neither cancelled nor expired, by currency.
    sales: Vec<OrderSales>,
    /// How many stand where; a status with none is left out.
    by_status: Vec<OrderStatusCount>,
}

/// What was sold in one currency.
#[derive(Debug, SimpleObject)]
pub struct OrderSales {
    /// The orders.
    orders: i64,
    /// What they came to, shipping and tax included.
    total: Money,
    /// The average order, rounded down to the minor unit.
    average: Money,
}

/// The orders of one status and one currency.
#[derive(Debug, SimpleObject)]
pub struct OrderStatusCount {
    /// Where they stand.
    status: OrderStatus,
    /// How many.
    orders: i64,
    /// What they came to, shipping and tax included.
    total: Money,
}

#[derive(Debug, Default)]
pub struct OrderStatsQuery;

#[Object]
impl OrderStatsQuery {
    /// How many orders were placed, what they came to, and what became of them.
    async fn order_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From this moment on; without it, the last 30 days.")] from: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "Before this moment; without it, until now.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "The length of the spans.", default_with = "StatsInterval::Day")]
        interval: StatsInterval,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<OrderStats> {
        shop(ctx).fresh(&[ReadModel::Orders], min_position).await?;
        let to = to.unwrap_or_else(Utc::now);
        let from = from.unwrap_or_else(|| month_before(to));
        check_bounds(from, to, interval)?;
        let stats = shop(ctx).read_models.order_stats(from, to, interval.into()).await;
        Ok(OrderStats::new(from, to, stats.map_err(query_fault)?))
    }
}

/// 30 days before `to`, rounded down to a whole day.
fn month_before(to: DateTime<Utc>) -> DateTime<Utc> {
    let from = to.checked_sub_signed(LOOK_BACK).unwrap_or(to);
    from.duration_trunc(TimeDelta::days(1)).unwrap_or(from)
}

fn check_bounds(from: DateTime<Utc>, to: DateTime<Utc>, interval: StatsInterval) -> Result<()> {
    if from >= to {
        return Err(fault("BAD_USER_INPUT", "from must be earlier than to"));
    }
    let hours = match interval {
        StatsInterval::Hour => 1,
        StatsInterval::Day => 24,
        StatsInterval::Week => 7 * 24,
        StatsInterval::Month => 28 * 24,
    };
    if (to - from).num_hours() / hours >= SPANS_MAX {
        let message = format!("from and to are at most {SPANS_MAX} spans apart; take longer spans");
        return Err(fault("BAD_USER_INPUT", &message));
    }
    Ok(())
}

impl OrderStats {
    fn new(from: DateTime<Utc>, to: DateTime<Utc>, stats: Vec<Stats>) -> OrderStats {
        let mut spans: BTreeMap<DateTime<Utc>, Vec<&Stats>> = BTreeMap::new();
        for part in &stats {
            spans.entry(part.begins).or_default().push(part);
        }
        let spans = spans
            .into_iter()
            .map(|(begins, parts)| OrderSpan { begins, figures: OrderFigures::sum(&parts) });
        OrderStats {
            from,
            to,
            overall: OrderFigures::sum(&stats.iter().collect::<Vec<_>>()),
            spans: spans.collect(),
        }
    }
}

impl OrderFigures {
    fn sum(parts: &[&Stats]) -> OrderFigures {
        let (mut sales, mut by_status) = (BTreeMap::new(), BTreeMap::new());
        for part in parts {
            if !part.status.is_cancelled_or_expired() {
                add(sales.entry(part.currency.as_str()).or_default(), part);
            }
            let key = (part.status, part.currency.as_str());
            add(by_status.entry(key).or_default(), part);
        }
        OrderFigures {
            orders: parts.iter().map(|part| part.orders).sum(),
            sales: sales.into_iter().filter_map(|(currency, sum)| sold(currency, sum)).collect(),
            by_status: by_status.into_iter().filter_map(|(key, sum)| counted(key, sum)).collect(),
        }
    }
}

/// Orders, and their total in minor units.
type Sum = (i64, i64);

fn add((orders, total): &mut Sum, part: &Stats) {
    *orders += part.orders;
    *total = total.saturating_add(part.total);
}

fn sold(currency: &str, (orders, total): Sum) -> Option<OrderSales> {
    let currency: Currency = currency.parse().ok()?;
    let money = |amount| Money(domain::Money::new(amount, currency));
    Some(OrderSales { orders, total: money(total), average: money(total / orders.max(1)) })
}

fn counted(
    (status, currency): (domain::order::OrderStatus, &str),
    (orders, total): Sum,
) -> Option<OrderStatusCount> {
    let total = Money(domain::Money::new(total, currency.parse().ok()?));
    Some(OrderStatusCount { status: status.into(), orders, total })
}
