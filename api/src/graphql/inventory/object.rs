//! A stock as a client sees it.

use async_graphql::connection::Connection;
use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::Sku;
use domain::inventory::Inventory;
use projections::Row;
use projections::inventory::{LedgerLine as Line, StockLevels};
use serde::Serialize;

use crate::graphql::connection::{connect, page};
use crate::graphql::errors::query_fault;
use crate::graphql::position::Position;
use crate::graphql::shop::shop;

/// The stock of one SKU. `available = onHand − reserved`, and never less than nothing.
#[derive(Debug, Description)]
pub struct InventoryItem {
    version: i32,
    levels: StockLevels,
}

/// Why the number on the shelf changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::inventory::LedgerKind")]
pub enum LedgerKind {
    /// Goods came in from a supplier.
    Purchase,
    /// Goods came back.
    Return,
    /// Goods were broken or lost.
    Damage,
    /// A correction.
    Adjustment,
    /// Goods were sold.
    Sale,
}

/// Why the number on the shelf is changed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::inventory::AdjustmentKind")]
pub enum AdjustmentKind {
    /// Goods came in from a supplier: more than nothing.
    Purchase,
    /// Goods came back: more than nothing.
    Return,
    /// Goods were broken or lost: less than nothing.
    Damage,
    /// A correction, either way.
    Adjustment,
}

impl InventoryItem {
    /// The stock as a command left it.
    pub fn new(version: i32, state: &Inventory) -> Option<Self> {
        let levels = StockLevels::of(state.stock()?, Utc::now());
        Some(InventoryItem { version, levels })
    }
}

impl From<Row<StockLevels>> for InventoryItem {
    fn from(row: Row<StockLevels>) -> Self {
        InventoryItem { version: row.version, levels: row.state }
    }
}

#[Object(use_type_description)]
impl InventoryItem {
    /// The id of the stock's stream.
    pub async fn id(&self) -> ID {
        self.levels.sku.inventory().id.into()
    }

    /// The SKU.
    async fn sku(&self) -> &str {
        self.levels.sku.as_str()
    }

    /// Units on the shelf.
    async fn on_hand(&self) -> i64 {
        self.levels.on_hand
    }

    /// Units kept for orders that are not paid yet.
    async fn reserved(&self) -> i64 {
        self.levels.reserved
    }

    /// Units that can be ordered.
    async fn available(&self) -> i64 {
        self.levels.available()
    }

    /// At this many available units or fewer the stock is low.
    async fn reorder_level(&self) -> u32 {
        self.levels.reorder_level
    }

    /// How many units to order then.
    async fn reorder_quantity(&self) -> u32 {
        self.levels.reorder_quantity
    }

    /// Low stock was reported and has not recovered.
    async fn low(&self) -> bool {
        self.levels.low
    }

    /// Every change of `onHand`, the last first.
    async fn ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
    ) -> Result<Connection<String, LedgerLine>> {
        ledger(ctx, &self.levels.sku, first, after).await
    }

    /// Grows with every event; name it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

/// One change of the number on the shelf.
#[derive(Debug, Description)]
pub struct LedgerLine(pub(super) Line);

#[Object(name = "InventoryLedgerLine", use_type_description)]
impl LedgerLine {
    /// The event's position.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// Why it changed.
    async fn kind(&self) -> LedgerKind {
        self.0.kind.into()
    }

    /// Units: what came in is positive.
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// Units on the shelf after it.
    async fn balance(&self) -> i64 {
        self.0.balance
    }

    /// The reason that was given.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The document that was named.
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// The order that was sold to.
    async fn order_id(&self) -> Option<ID> {
        self.0.order.map(|order| order.0.into())
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// The ledger of a SKU: every change of `onHand`, the latest first.
pub async fn ledger(
    ctx: &Context<'_>,
    sku: &Sku,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<String, LedgerLine>> {
    let (begun, page) = (after.is_some(), page(first, after)?);
    let slice = shop(ctx).read_models.inventory_ledger(sku, &page).await.map_err(query_fault)?;
    Ok(connect(slice, begun, |line| Some(LedgerLine(line))))
}
