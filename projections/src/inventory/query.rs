//! Queries for stock levels and the ledger.

use domain::{Sku, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::ledger::TABLE as LEDGER;
use super::{LedgerLine, StockLevels, TABLE};
use crate::page::{Cursor, Page, QueryError, Slice};
use crate::read_models::ReadModels;
use crate::row::Row;

/// A row matches if it matches every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whether low stock has been reported and has not recovered.
    pub low: Option<bool>,
}

impl ReadModels {
    /// The levels of a SKU at `now`; the time decides which reservations have expired.
    pub async fn inventory_item(
        &self,
        sku: &Sku,
        now: Timestamp,
    ) -> Result<Option<Row<StockLevels>>, QueryError> {
        Ok(self.inventory_items_by_id(&[sku.inventory().id], now).await?.pop())
    }

    /// The items with these ids that exist, in no particular order.
    pub async fn inventory_items_by_id(
        &self,
        ids: &[Uuid],
        now: Timestamp,
    ) -> Result<Vec<Row<StockLevels>>, QueryError> {
        let mut query = items_at(now);
        query.push("item.id = any(").push_bind(ids).push(")");
        let items = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(items.into_iter().map(|ItemAt(row)| row).collect())
    }

    /// Ordered by SKU.
    pub async fn inventory_items(
        &self,
        filter: &Filter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Slice<Row<StockLevels>>, QueryError> {
        let mut query = items_at(now);
        query.push("true");
        if let Some(after) = page.after::<String>()? {
            query.push(" and item.sku > ").push_bind(after);
        }
        if let Some(low) = filter.low {
            query.push(" and item.low = ").push_bind(low);
        }
        query.push(" order by item.sku limit ").push(page.limit());
        let rows = query.build_query_as().fetch_all(self.pool()).await?;
        let rows = rows.into_iter().map(|ItemAt(row)| row).collect();
        Ok(page.slice(rows, |row: &Row<StockLevels>| Cursor::new(row.state.sku.to_string())))
    }

    /// Newest first.
    pub async fn inventory_ledger(
        &self,
        sku: &Sku,
        page: &Page,
    ) -> Result<Slice<LedgerLine>, QueryError> {
        let newest = "where inventory_id = $1 and position < $2 order by position desc limit $3";
        let lines = LEDGER
            .select(newest)
            .bind(sku.inventory().id)
            .bind(page.after()?.unwrap_or(i64::MAX))
            .bind(page.limit())
            .fetch_all(self.pool())
            .await?;
        Ok(page.slice(lines, |line: &LedgerLine| line.position.into()))
    }
}

/// A query, up to its `where`, for items with the units of reservations that have expired at `now`.
/// One statement reads both tables, so their rows are of the same moment.
fn items_at(now: Timestamp) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(format!(
        "select {}, (select coalesce(sum(held.quantity), 0)::bigint
                     from inventory_reservations held
                     where held.inventory_id = item.id and held.expires_at <= ",
        TABLE.selected()
    ));
    query.push_bind(now).push(") as expired from inventory_items item where ");
    query
}

/// The row of an item, with the units of expired reservations subtracted.
struct ItemAt(Row<StockLevels>);

impl<'r> FromRow<'r, PgRow> for ItemAt {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let expired: i64 = sqlx::Row::try_get(row, "expired")?;
        let row: Row<StockLevels> = Row::from_row(row)?;
        Ok(ItemAt(Row { state: row.state.without_expired(expired), ..row }))
    }
}
