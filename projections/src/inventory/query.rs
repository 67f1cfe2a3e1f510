//! Questions to the stock and its ledger.

use domain::Sku;
use domain::inventory::Inventory;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Items, LedgerLine, of};
use crate::page::{Cursor, Page, QueryError, Slice};
use crate::read_models::ReadModels;
use crate::row::{Aggregates, Row, row_columns};

/// What is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whether low stock has been reported and has not recovered.
    pub low: Option<bool>,
}

impl ReadModels {
    /// What is available depends on the moment: see [`domain::inventory::Stock::available`].
    pub async fn inventory_item(&self, sku: &Sku) -> Result<Option<Row<Inventory>>, QueryError> {
        Ok(self.inventory_items_by_id(&[sku.inventory().id]).await?.pop())
    }

    /// Those of the items that exist, in no particular order.
    pub async fn inventory_items_by_id(
        &self,
        ids: &[Uuid],
    ) -> Result<Vec<Row<Inventory>>, QueryError> {
        Ok(sqlx::query_as(Items::LOAD).bind(ids).fetch_all(self.pool()).await?)
    }

    /// By SKU.
    pub async fn inventory_items(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<Slice<Row<Inventory>>, QueryError> {
        let mut query = QueryBuilder::<Postgres>::new(concat!(
            "select ",
            row_columns!(),
            " from inventory_items where true"
        ));
        if let Some(after) = page.after::<String>()? {
            query.push(" and sku > ").push_bind(after);
        }
        if let Some(low) = filter.low {
            query.push(" and low = ").push_bind(low);
        }
        query.push(" order by sku limit ").push_bind(page.limit());
        let rows = query.build_query_as().fetch_all(self.pool()).await?;
        let sku = |row: &Row<Inventory>| of(row, |stock| stock.sku.to_string());
        Ok(page.slice(rows, |row| Cursor::new(sku(row).unwrap_or_default())))
    }

    /// Newest first.
    pub async fn inventory_ledger(
        &self,
        sku: &Sku,
        page: &Page,
    ) -> Result<Slice<LedgerLine>, QueryError> {
        let lines = sqlx::query_as(
            "select position, inventory_id, kind, quantity, balance, reason, reference, order_id,
                    actor, at
             from inventory_ledger
             where inventory_id = $1 and position < $2
             order by position desc limit $3",
        )
        .bind(sku.inventory().id)
        .bind(page.after()?.unwrap_or(i64::MAX))
        .bind(page.limit())
        .fetch_all(self.pool())
        .await?;
        Ok(page.slice(lines, |line: &LedgerLine| line.position.into()))
    }
}
