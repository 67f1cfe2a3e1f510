//! Questions about stock.

use async_graphql::connection::Connection;
use async_graphql::{Context, InputObject, Object, Result};
use chrono::Utc;
use domain::Sku;
use projections::ReadModel;

use super::object::{InventoryItem, LedgerLine, ledger};
use crate::graphql::connection::{connect, page};
use crate::graphql::errors::query_fault;
use crate::graphql::position::Position;
use crate::graphql::shop::shop;

/// What the figures of a stock are made of.
const STOCK: [ReadModel; 2] = [ReadModel::Inventory, ReadModel::Reservations];

/// Which stocks. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
pub struct InventoryFilter {
    /// Whether the stock is low.
    low: Option<bool>,
}

#[derive(Debug, Default)]
pub struct InventoryQuery;

#[Object]
impl InventoryQuery {
    /// The stock of a SKU.
    async fn inventory_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKU.")] sku: String,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Option<InventoryItem>> {
        shop(ctx).fresh(&STOCK, min_position).await?;
        let Ok(sku) = sku.parse::<Sku>() else { return Ok(None) };
        let row = shop(ctx).read_models.inventory_item(&sku, Utc::now()).await;
        Ok(row.map_err(query_fault)?.map(InventoryItem::from))
    }

    /// Stocks by SKU.
    async fn inventory_items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Which ones.")] filter: Option<InventoryFilter>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, InventoryItem>> {
        shop(ctx).fresh(&STOCK, min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let filter = projections::inventory::Filter { low: filter.and_then(|filter| filter.low) };
        let slice = shop(ctx).read_models.inventory_items(&filter, &page, Utc::now()).await;
        let slice = slice.map_err(query_fault)?;
        Ok(connect(slice, begun, |row| Some(row.into())))
    }

    /// Every change of the number on the shelf of a SKU, the last first.
    async fn inventory_ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKU.")] sku: String,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, LedgerLine>> {
        shop(ctx).fresh(&[ReadModel::Ledger], min_position).await?;
        match sku.parse::<Sku>() {
            Ok(sku) => ledger(ctx, &sku, first, after).await,
            Err(_) => Ok(Connection::new(false, false)),
        }
    }
}
