//! Carts by id, and the latest cart of a customer.

use domain::cart::Cart;
use domain::{CartId, CustomerId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::TABLE;
use crate::page::QueryError;
use crate::read_models::ReadModels;
use crate::row::Row;

/// A cart with its number among the carts of its customer, counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedCart {
    pub number: u32,
    pub row: Row<Cart>,
}

/// A cart that has expired by its `expires_at`, but has no `cart.expired` event yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LapsedCart {
    pub id: Uuid,
    /// The cart expired at this moment or shortly before: the table rounds up.
    pub expires_at: Timestamp,
}

impl<'r> FromRow<'r, PgRow> for LapsedCart {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row as _;
        Ok(LapsedCart { id: row.try_get("id")?, expires_at: row.try_get("expires_at")? })
    }
}

impl ReadModels {
    pub async fn cart(&self, cart: CartId) -> Result<Option<Row<Cart>>, QueryError> {
        Ok(self.carts_by_id(&[cart.0]).await?.pop())
    }

    /// The carts with these ids that exist, in no particular order.
    pub async fn carts_by_id(&self, ids: &[Uuid]) -> Result<Vec<Row<Cart>>, QueryError> {
        Ok(TABLE.select_by_ids(ids).fetch_all(self.pool()).await?)
    }

    /// Carts that were idle for too long and have no `cart.expired` event yet, the longest expired
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

    /// The customer's latest cart. If it was checked out or has expired, the customer's next cart
    /// command begins a new one.
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

/// How many carts are read: a guest's cart that became the customer's has no number, and may be
/// newer than the latest cart that has one.
const LATEST_MAX: i64 = 10;

/// A cart, and how many carts its customer has had.
struct Counted {
    count: u32,
    row: Row<Cart>,
}

impl Counted {
    /// Finds the number from which, with the customer, the cart's id was made; no event contains
    /// it. It is the count of the customer's carts, unless some of them were a guest's.
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
