//! The bare server's queries: the same statements as the shop's, on the same table; from an order's
//! state only the requested fields are read.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use event_store::EventStore;
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;

const BY_ID: &str = "select id, version, position, created_at, updated_at, state \
    from orders where id = any($1)";

const PAGE: &str = "select id, version, position, created_at, updated_at, state \
    from orders where true order by placed_at desc, id desc limit $1";

type Row = (Uuid, i32, i64, DateTime<Utc>, DateTime<Utc>, Json<State>);

/// The column `state`, with the fields that are requested.
#[derive(Debug, Deserialize)]
enum State {
    Existing(Details),
}

#[derive(Debug, Deserialize)]
struct Details {
    placed: Placed,
    lifecycle: OrderStatus,
    lines: Vec<OrderLine>,
}

#[derive(Debug, Deserialize)]
struct Placed {
    number: String,
    totals: Totals,
    at: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
struct Totals {
    total: Money,
}

#[derive(Debug, Deserialize)]
struct OrderLine {
    ordered: Line,
}

/// The states that the benchmark's orders can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Enum)]
enum OrderStatus {
    #[serde(rename = "placed")]
    Pending,
    #[serde(rename = "confirmed")]
    Paid,
}

#[derive(Debug, SimpleObject)]
struct Order {
    id: ID,
    number: String,
    status: OrderStatus,
    placed_at: DateTime<Utc>,
    version: i32,
    total: Money,
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize, SimpleObject)]
struct Line {
    sku: String,
    name: String,
    quantity: u32,
    unit_price: Money,
    total: Money,
}

#[derive(Debug, Deserialize)]
struct Money {
    amount: i64,
    currency: String,
}

#[Object]
impl Money {
    async fn amount(&self) -> String {
        self.amount.to_string()
    }

    async fn currency(&self) -> &str {
        &self.currency
    }
}

#[derive(Debug, SimpleObject)]
struct Orders {
    nodes: Vec<Order>,
}

#[derive(Debug)]
pub struct Query;

#[Object]
impl Query {
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Order>> {
        let ids = [id.parse::<Uuid>()?];
        let pool = ctx.data::<EventStore>()?.pool();
        let rows: Vec<Row> = sqlx::query_as(BY_ID).bind(ids).fetch_all(pool).await?;
        Ok(rows.into_iter().next().map(Order::from))
    }

    async fn orders(&self, ctx: &Context<'_>, first: i32) -> Result<Orders> {
        let pool = ctx.data::<EventStore>()?.pool();
        // One row more than requested, as in the shop, to learn whether there is a next page.
        let page = sqlx::query_as::<_, Row>(PAGE).bind(i64::from(first) + 1);
        let mut rows = page.fetch_all(pool).await?;
        rows.truncate(usize::try_from(first)?);
        Ok(Orders { nodes: rows.into_iter().map(Order::from).collect() })
    }
}

impl From<Row> for Order {
    fn from((id, version, _, _, _, Json(State::Existing(details))): Row) -> Order {
        let Details { placed, lifecycle, lines } = details;
        Order {
            id: id.into(),
            number: placed.number,
            status: lifecycle,
            placed_at: placed.at,
            version,
            total: placed.totals.total,
            lines: lines.into_iter().map(|line| line.ordered).collect(),
        }
    }
}
