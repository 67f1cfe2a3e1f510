//! Carts by id, and the latest cart of a customer.

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

/// A cart with its number among the carts of its customer, counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedCart {
    pub number: u32,
    pub row: Row<Cart>,
}

/// A cart whose time is over, and for which no `cart.expired` is recorded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct LapsedCart {
    pub id: Uuid,
    /// It expired at this moment or shortly before: the table rounds up.
    pub expires_at: Timestamp,
}

impl ReadModels {
    pub async fn cart(&self, cart: CartId) -> Result<Option<Row<Cart>>, QueryError> {
        Ok(self.carts_by_id(&[cart.0]).await?.pop())
    }

    /// The carts with these ids that exist, in no particular order.
    pub async fn carts_by_id(&self, ids: &[Uuid]) -> Result<Vec<Row<Cart>>, QueryError> {
        Ok(TABLE.select_by_ids(ids).fetch_all(self.pool()).await?)
    }

    /// Carts that were idle for too long and are not recorded as expired, those that expired first
    /// first.
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

    /// The customer's latest cart. If it was checked out or has expired, the next command on the
    /// customer's cart begins a new one.
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
            .bind(LATEST_MAX)
            .fetch_all(self.pool())
            .await?;
        Ok(latest.into_iter().find_map(|cart| cart.numbered(customer)))
    }
}

/// How many carts are looked at: a guest's cart that became the customer's has no number, and may be
/// newer than the latest cart that has one.
const LATEST_MAX: i64 = 10;

/// A cart, and how many carts its customer has had.
struct Counted {
    count: u32,
    row: Row<Cart>,
}

impl Counted {
    /// Finds the number from which, with the customer, the cart's id was made: no event has it. It is
    /// the count, unless some carts were a guest's.
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

/// Rounded as the migration of the column says.
fn expires_at(cart: &Cart) -> Option<Timestamp> {
    let Cart::Active(details) = cart else { return None };
    let grain = TimeDelta::milliseconds(details.idle_seconds.max(1).into());
    let expires_at = details.expires_at();
    Some(expires_at.duration_round_up(grain).unwrap_or(expires_at))
}
