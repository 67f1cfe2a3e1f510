//! The type `InventoryItem` and its ledger.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::Sku;
use domain::inventory::Inventory;
use projections::Row;
use projections::inventory::{LedgerLine as Line, StockLevels};
use serde::Serialize;

use crate::graphql::connection::{connect, connection, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::position::Position;
use crate::graphql::shop::shop;

/// The stock of one SKU. It always holds that `available` = `onHand` − `reserved`, and that
/// `available` is not negative.
#[derive(Debug, Description)]
pub struct InventoryItem {
    version: i32,
    levels: StockLevels,
}

/// The reasons why the number of units on the shelf changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::inventory::LedgerKind")]
pub enum LedgerKind {
    /// Units came in from a supplier; also the units that a stock was registered with.
    Purchase,
    /// Units came back from a customer, or stayed in the shop because a confirmed order was
    /// cancelled.
    Return,
    /// Units were broken or lost and are written off.
    Damage,
    /// The count was corrected, for example after stocktaking.
    Adjustment,
    /// An order was confirmed, so its units are the customer's. They leave the count before they are
    /// shipped.
    Sale,
}

/// The reasons for which staff change the number of units on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::inventory::AdjustmentKind")]
pub enum AdjustmentKind {
    /// Units came in from a supplier; the quantity must be positive.
    Purchase,
    /// Units came back from a customer; the quantity must be positive.
    Return,
    /// Units were broken or lost; the quantity must be negative.
    Damage,
    /// A correction of the count; the quantity may be positive or negative.
    Adjustment,
}

impl InventoryItem {
    /// The stock after a command.
    pub fn new(version: i32, state: &Inventory) -> Option<Self> {
        let levels = StockLevels::at(state.stock()?, Utc::now());
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
    /// A UUID that follows from the SKU; it is not the id of the product.
    pub async fn id(&self) -> ID {
        self.levels.sku.inventory().id.into()
    }

    /// SKU of the product that is in stock.
    async fn sku(&self) -> &str {
        self.levels.sku.as_str()
    }

    /// Number of units on the shelf, whether reserved or not.
    async fn on_hand(&self) -> i64 {
        self.levels.on_hand
    }

    /// Number of units held for orders that are not confirmed yet. Reservations that have run out do
    /// not count.
    async fn reserved(&self) -> i64 {
        self.levels.reserved
    }

    /// Number of units that can be ordered now.
    async fn available(&self) -> i64 {
        self.levels.available()
    }

    /// The stock counts as low when this many units, or fewer, are available.
    async fn reorder_level(&self) -> u32 {
        self.levels.reorder_level
    }

    /// Number of units to buy when the stock is low. The shop shows this figure but orders nothing by
    /// itself.
    async fn reorder_quantity(&self) -> u32 {
        self.levels.reorder_quantity
    }

    /// True from the moment the stock fell to the reorder level until it rose above it again. Staff
    /// get one message each time it becomes low.
    async fn low(&self) -> bool {
        self.levels.low
    }

    /// Every change of `onHand`, the newest first.
    async fn ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of this stock's ledger, 0 to 100; 20 by default.")]
        first: Option<i32>,
        #[graphql(
            desc = "The `cursor` of the last line already seen; by default the ledger starts with the newest change."
        )]
        after: Option<String>,
    ) -> Result<InventoryLedgerLineConnection> {
        load_ledger(ctx, &self.levels.sku, first, after).await
    }

    /// Grows with every change of the stock, reservations included. Send it as `expectedVersion` to
    /// change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

/// One change of the number of units on the shelf. The quantities of all lines add up to
/// `InventoryItem.onHand`.
#[derive(Debug, Description)]
pub struct LedgerLine(pub(super) Line);

#[Object(name = "InventoryLedgerLine", use_type_description)]
impl LedgerLine {
    /// Position of the event that made the change; `why` explains it.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// The reason for the change.
    async fn kind(&self) -> LedgerKind {
        self.0.kind.into()
    }

    /// Number of units by which the shelf changed: positive if units came in, negative if they left.
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// Number of units on the shelf after this change.
    async fn balance(&self) -> i64 {
        self.0.balance
    }

    /// The reason that staff gave; null if they gave none.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The document that staff named, or the number of the order whose goods came back; null if there
    /// is none.
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// The order to which the units were sold. Null unless `kind` is `SALE`.
    async fn order_id(&self) -> Option<ID> {
        self.0.order.map(|order| order.0.into())
    }

    /// Who caused the change, in the form of `Event.actor`.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// Time at which the shelf changed.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

connection!(
    InventoryLedgerLineConnection,
    InventoryLedgerLineEdge,
    LedgerLine,
    "ledger line",
    "ledger lines"
);

/// Loads the ledger of a SKU: all changes of `onHand`, the newest first.
pub async fn load_ledger(
    ctx: &Context<'_>,
    sku: &Sku,
    first: Option<i32>,
    after: Option<String>,
) -> Result<InventoryLedgerLineConnection> {
    let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
    let slice = shop(ctx).read_models.inventory_ledger(sku, &page).await.map_err(query_error)?;
    Ok(connect(slice, has_previous, |line| Some(LedgerLine(line))))
}
