//! The query `orderStats`.

use std::collections::BTreeMap;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::Currency;
use projections::ReadModel;
use projections::orders::Stats;

use super::OrderStatus;
use crate::graphql::errors::query_error;
use crate::graphql::money::Money;
use crate::graphql::position::Position;
use crate::graphql::shop::shop;
use crate::graphql_http::error_with_code;

/// The default length of the period.
const DEFAULT_PERIOD: TimeDelta = TimeDelta::days(30);
/// The most intervals in one answer.
const SPANS_MAX: i64 = 1_000;

/// The length of the intervals for which statistics are given. All of them start and end in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::orders::Interval")]
pub enum StatsInterval {
    /// Full hours, from minute 0.
    Hour,
    /// Days, from midnight.
    Day,
    /// Weeks of ISO 8601, from Monday at midnight.
    Week,
    /// Calendar months, from midnight of the first day.
    Month,
}

/// Figures about the orders placed in a period. Each order counts for the time it was placed, with
/// the status it has now.
#[derive(Debug, SimpleObject)]
pub struct OrderStats {
    /// Start of the period; orders placed at this time count.
    from: DateTime<Utc>,
    /// End of the period; orders placed at this time do not count.
    to: DateTime<Utc>,
    /// Figures for the whole period.
    overall: OrderFigures,
    /// Figures for each interval of the period, the earliest first. Intervals without orders are left
    /// out.
    spans: Vec<OrderSpan>,
}

/// Figures for the orders placed in one interval.
#[derive(Debug, SimpleObject)]
pub struct OrderSpan {
    /// Start of the interval in UTC. The first one may start before `OrderStats.from`, but orders
    /// before that time do not count.
    begins: DateTime<Utc>,
    /// Number and value of the orders placed in this interval.
    figures: OrderFigures,
}

/// Number and value of a set of orders.
#[derive(Debug, SimpleObject)]
pub struct OrderFigures {
    /// Number of all orders, cancelled and expired ones included.
    orders: i64,
    /// Orders that are neither cancelled nor expired, one entry for each currency. Orders that still
    /// wait for their payment count.
    sales: Vec<OrderSales>,
    /// Orders by their present status and currency. Combinations without orders are left out.
    by_status: Vec<OrderStatusCount>,
}

/// Orders in one currency that are neither cancelled nor expired.
#[derive(Debug, SimpleObject)]
pub struct OrderSales {
    /// Number of orders in this currency.
    orders: i64,
    /// Sum of the totals of these orders, with shipping and tax. Refunds are not subtracted.
    total: Money,
    /// The `total` divided by `orders`, rounded down to a minor unit.
    average: Money,
}

/// The orders with the same status and the same currency.
#[derive(Debug, SimpleObject)]
pub struct OrderStatusCount {
    /// The status that these orders have now.
    status: OrderStatus,
    /// Number of orders with this status and currency.
    orders: i64,
    /// Sum of the totals of the orders, with shipping and tax.
    total: Money,
}

#[derive(Debug, Default)]
pub struct OrderStatsQuery;

#[Object]
impl OrderStatsQuery {
    /// Number and value of the orders that were placed in a period, in total and for each interval of
    /// it, by their present status. It fails with `BAD_USER_INPUT` if `from` is not before `to` or if
    /// they are 1,000 or more intervals apart.
    ///
    /// Only staff may call it.
    async fn order_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Count orders placed at or after this time. By default the period starts 30 days before `to`, at midnight UTC."
        )]
        from: Option<DateTime<Utc>>,
        #[graphql(desc = "Count orders placed before this time; now by default.")] to: Option<
            DateTime<Utc>,
        >,
        #[graphql(
            desc = "Length of the intervals of `OrderStats.spans`, aligned to UTC; a day by default.",
            default_with = "StatsInterval::Day"
        )]
        interval: StatsInterval,
        #[graphql(desc = "Wait until the statistics include the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<OrderStats> {
        shop(ctx).wait_for_models(&[ReadModel::Orders], min_position).await?;
        let to = to.unwrap_or_else(Utc::now);
        let from = from.unwrap_or_else(|| default_start(to));
        check_bounds(from, to, interval)?;
        let stats = shop(ctx).read_models.order_stats(from, to, interval.into()).await;
        Ok(OrderStats::new(from, to, stats.map_err(query_error)?))
    }
}

/// The default start of the period: 30 days before `to`, at midnight UTC.
fn default_start(to: DateTime<Utc>) -> DateTime<Utc> {
    let from = to.checked_sub_signed(DEFAULT_PERIOD).unwrap_or(to);
    from.duration_trunc(TimeDelta::days(1)).unwrap_or(from)
}

fn check_bounds(from: DateTime<Utc>, to: DateTime<Utc>, interval: StatsInterval) -> Result<()> {
    if from >= to {
        return Err(error_with_code("BAD_USER_INPUT", "from must be earlier than to"));
    }
    let hours = match interval {
        StatsInterval::Hour => 1,
        StatsInterval::Day => 24,
        StatsInterval::Week => 7 * 24,
        StatsInterval::Month => 28 * 24,
    };
    if (to - from).num_hours() / hours >= SPANS_MAX {
        let message = format!(
            "from and to must be less than {SPANS_MAX} intervals apart; choose a longer interval or a shorter period"
        );
        return Err(error_with_code("BAD_USER_INPUT", message));
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
            sales: sales
                .into_iter()
                .filter_map(|(currency, sum)| to_sales(currency, sum))
                .collect(),
            by_status: by_status
                .into_iter()
                .filter_map(|(key, sum)| to_status_count(key, sum))
                .collect(),
        }
    }
}

/// The number of orders, and the sum of their totals in minor units.
type Sum = (i64, i64);

fn add((orders, total): &mut Sum, part: &Stats) {
    *orders += part.orders;
    *total = total.saturating_add(part.total);
}

fn to_sales(currency: &str, (orders, total): Sum) -> Option<OrderSales> {
    let currency: Currency = currency.parse().ok()?;
    let money = |amount| Money(domain::Money::new(amount, currency));
    Some(OrderSales { orders, total: money(total), average: money(total / orders.max(1)) })
}

fn to_status_count(
    (status, currency): (domain::order::OrderStatus, &str),
    (orders, total): Sum,
) -> Option<OrderStatusCount> {
    let total = Money(domain::Money::new(total, currency.parse().ok()?));
    Some(OrderStatusCount { status: status.into(), orders, total })
}
