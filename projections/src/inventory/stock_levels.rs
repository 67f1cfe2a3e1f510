//! The stock levels of a SKU: the sums, without the single reservations.

use domain::inventory::{InventoryEvent, Stock};
use domain::{Sku, Timestamp};
use serde::{Deserialize, Serialize};

/// The stock levels of a SKU, in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevels {
    pub sku: Sku,
    pub on_hand: i64,
    /// Units that are reserved for orders. The row includes expired reservations that were not
    /// released; queries leave them out.
    pub reserved: i64,
    pub reorder_level: u32,
    pub reorder_quantity: u32,
    /// Whether low stock has been reported and the stock has not recovered.
    pub low: bool,
}

impl StockLevels {
    /// The levels of a folded stock at a time.
    pub fn at(stock: &Stock, now: Timestamp) -> StockLevels {
        StockLevels {
            sku: stock.sku.clone(),
            on_hand: stock.on_hand,
            reserved: stock.reserved(now),
            reorder_level: stock.reorder_level,
            reorder_quantity: stock.reorder_quantity,
            low: stock.low,
        }
    }

    /// How many units can be sold.
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    /// Subtracts the units of expired reservations. Those are rows of another read model, which may
    /// be ahead or behind, so the result is kept between 0 and the quantity on hand.
    pub(super) fn without_expired(self, expired: i64) -> StockLevels {
        let reserved = (self.reserved - expired).clamp(0, self.on_hand.max(0));
        StockLevels { reserved, ..self }
    }

    /// The levels after the first event of a stream. None if it does not begin with
    /// `inventory.registered`.
    pub(super) fn registered(event: &InventoryEvent) -> Option<StockLevels> {
        let InventoryEvent::Registered { sku, reorder_level, reorder_quantity, .. } = event else {
            return None;
        };
        Some(StockLevels {
            sku: sku.clone(),
            on_hand: 0,
            reserved: 0,
            reorder_level: *reorder_level,
            reorder_quantity: *reorder_quantity,
            low: false,
        })
    }

    pub(super) fn apply(&mut self, event: &InventoryEvent) {
        match *event {
            InventoryEvent::Registered { .. } | InventoryEvent::ReservationExtended { .. } => {}
            InventoryEvent::Adjusted { on_hand, .. } => self.on_hand = on_hand,
            InventoryEvent::Reserved { quantity, .. } => self.reserved += quantity,
            InventoryEvent::Released { quantity, .. } => self.reserved -= quantity,
            InventoryEvent::Committed { quantity, on_hand, .. } => {
                self.reserved -= quantity;
                self.on_hand = on_hand;
            }
            InventoryEvent::ReorderLevelSet { reorder_level, reorder_quantity, .. } => {
                self.reorder_level = reorder_level;
                self.reorder_quantity = reorder_quantity;
            }
            InventoryEvent::LowStock { .. } => self.low = true,
            InventoryEvent::Recovered { .. } => self.low = false,
        }
    }
}
