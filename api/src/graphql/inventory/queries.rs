//! The queries of stock.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::Utc;
use domain::Sku;
use projections::ReadModel;

use super::object::{InventoryItem, InventoryLedgerLineConnection, load_ledger};
use crate::graphql::connection::{connect, connection, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::position::Position;
use crate::graphql::shop::shop;

/// The read models from which the figures of a stock are computed.
const STOCK_MODELS: [ReadModel; 2] = [ReadModel::Inventory, ReadModel::Reservations];

/// Selects stocks. Conditions that are left out or null match every stock.
#[derive(Debug, Default, InputObject)]
pub struct InventoryFilter {
    /// True for stocks that are low, false for all others, as in `InventoryItem.low`.
    low: Option<bool>,
}

connection!(InventoryItemConnection, InventoryItemEdge, InventoryItem, "stock", "stocks");

#[derive(Debug, Default)]
pub struct InventoryQuery;

#[Object]
impl InventoryQuery {
    /// The stock of one product. Null if no stock is registered for this SKU.
    ///
    /// Only staff may call it; `Product.available` is for everyone.
    async fn inventory_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "SKU of the product whose stock is wanted.")] sku: String,
        #[graphql(desc = "Wait until this stock shows the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<Option<InventoryItem>> {
        shop(ctx).wait_for_models(&STOCK_MODELS, min_position).await?;
        let Ok(sku) = sku.parse::<Sku>() else { return Ok(None) };
        let row = shop(ctx).read_models.inventory_item(&sku, Utc::now()).await;
        Ok(row.map_err(query_error)?.map(InventoryItem::from))
    }

    /// The stock of every product for which one is registered, in the order of the SKUs.
    ///
    /// Only staff may call it.
    async fn inventory_items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of stocks, 0 to 100; 20 by default.")] first: Option<
            i32,
        >,
        #[graphql(
            desc = "The `cursor` of the last stock already seen; by default the list starts with the first SKU."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Conditions that the stocks must all meet; without it, every stock is listed."
        )]
        filter: Option<InventoryFilter>,
        #[graphql(desc = "Wait until the list of stocks shows the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<InventoryItemConnection> {
        shop(ctx).wait_for_models(&STOCK_MODELS, min_position).await?;
        let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
        let filter = projections::inventory::Filter { low: filter.and_then(|filter| filter.low) };
        let slice = shop(ctx).read_models.inventory_items(&filter, &page, Utc::now()).await;
        let slice = slice.map_err(query_error)?;
        Ok(connect(slice, has_previous, |row| Some(row.into())))
    }

    /// Every change of `InventoryItem.onHand` of one product, the newest first. The list is empty if
    /// no stock is registered.
    ///
    /// Only staff may call it.
    async fn inventory_ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "SKU of the product whose ledger is wanted.")] sku: String,
        #[graphql(desc = "Size of the page of ledger lines, 0 to 100; 20 by default.")]
        first: Option<i32>,
        #[graphql(
            desc = "The `cursor` of the last ledger line already seen; by default the list starts with the newest change."
        )]
        after: Option<String>,
        #[graphql(desc = "Wait until the ledger shows the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<InventoryLedgerLineConnection> {
        shop(ctx).wait_for_models(&[ReadModel::Ledger], min_position).await?;
        match sku.parse::<Sku>() {
            Ok(sku) => load_ledger(ctx, &sku, first, after).await,
            Err(_) => Ok(InventoryLedgerLineConnection::default()),
        }
    }
}
