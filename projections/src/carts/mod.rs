//! Carts by id, and the one that a customer has now.

use std::sync::LazyLock;

use chrono::{DurationRound as _, TimeDelta};
use cqrs_es::Aggregate as _;
use domain::cart::{Cart, Owner};
use domain::{CartId, CustomerId, Event, Kind, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use crate::page::QueryError;
use crate::read_models::ReadModels;
use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Carts;

/// A customer's cart and its number among theirs, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedCart {
    pub number: u32,
    pub row: Row<Cart>,
}

/// A cart to be recorded as expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct LapsedCart {
    pub id: Uuid,
    /// When it lapsed, at the latest.
    pub expires_at: Timestamp,
}

impl ReadModels {
    pub async fn cart(&self, cart: CartId) -> Result<Option<Row<Cart>>, QueryError> {
        Ok(self.carts_by_id(&[cart.0]).await?.pop())
    }

    /// Those of the carts that exist, in no particular order.
    pub async fn carts_by_id(&self, ids: &[Uuid]) -> Result<Vec<Row<Cart>>, QueryError> {
        Ok(TABLE.select_by_ids(ids).fetch_all(self.pool()).await?)
    }

    /// Carts that are idle for too long and not recorded as expired, the longest first.
    pub async fn lapsed_carts(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<LapsedCart>, QueryError> {
        let lapsed = sqlx::query_as(
            "select id, expires_at from carts where expires_at <= $1 order by expires_at limit $2",
        );
        Ok(lapsed.bind(now).bind(limit).fetch_all(self.pool()).await?)
    }

    /// The customer's latest cart; if it has ended, the next one begins when it is touched.
    pub async fn latest_cart(
        &self,
        customer: CustomerId,
    ) -> Result<Option<NumberedCart>, QueryError> {
        let select = format!(
            "select {}, (select count(*) from carts where customer_id = $1) as count
             from carts where customer_id = $1 order by created_at desc limit $2",
            TABLE.selected()
        );
        let latest: Vec<Counted> = sqlx::query_as(AssertSqlSafe(select))
            .bind(customer.0)
            .bind(LATEST)
            .fetch_all(self.pool())
            .await?;
        Ok(latest.into_iter().find_map(|cart| cart.numbered(customer)))
    }
}

/// Carts that were a guest's have no number; so many of them may be newer than the numbered one.
const LATEST: i64 = 10;

/// A cart, and how many its customer has had.
struct Counted {
    count: u32,
    row: Row<Cart>,
}

impl Counted {
    /// The number is in no event: it is what makes this id of the customer's, and as a rule it is
    /// the count.
    fn numbered(self, customer: CustomerId) -> Option<NumberedCart> {
        let mut numbers = (1..=self.count).rev();
        let number = numbers.find(|n| CartId::of_customer(customer, *n).0 == self.row.id)?;
        Some(NumberedCart { number, row: self.row })
    }
}

impl<'r> FromRow<'r, PgRow> for Counted {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let count: i64 = sqlx::Row::try_get(row, "count")?;
        let count = u32::try_from(count).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Counted { count, row: Row::from_row(row)? })
    }
}

static TABLE: LazyLock<Table<Row<Cart>>> = LazyLock::new(|| {
    let columns = [
        Column::uuid("customer_id", |row: &Row<Cart>| Some(customer(&row.state)?.0)),
        Column::timestamptz("expires_at", |row| expires_at(&row.state)),
    ];
    Table::of_aggregates("carts", columns)
});

impl Aggregates for Carts {
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Cart;
    type State = Cart;

    fn table() -> &'static Table<Row<Cart>> {
        &TABLE
    }

    fn fold(cart: &mut Cart, event: &Event) {
        if let Event::Cart(event) = event {
            cart.apply(event.clone());
        }
    }
}

fn customer(cart: &Cart) -> Option<CustomerId> {
    match cart.details()?.owner {
        Owner::Guest => None,
        Owner::Customer(customer) => Some(customer),
    }
}

/// As the table rounds it, see the migration.
fn expires_at(cart: &Cart) -> Option<Timestamp> {
    let Cart::Active(details) = cart else { return None };
    let grain = TimeDelta::milliseconds(details.idle_seconds.max(1).into());
    let expires_at = details.expires_at();
    Some(expires_at.duration_round_up(grain).unwrap_or(expires_at))
}
