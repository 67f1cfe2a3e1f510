//! What can happen to the stock of a SKU. These names and fields are the storage format: add,
//! never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{OrderId, Sku, Text, Timestamp};

/// All quantities are units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InventoryEvent {
    #[serde(rename = "inventory.registered")]
    Registered { sku: Sku, reorder_level: u32, reorder_quantity: u32, at: Timestamp },
    #[serde(rename = "inventory.adjusted")]
    Adjusted {
        kind: AdjustmentKind,
        /// Signed: what came in is positive.
        quantity: i64,
        reason: Option<Text>,
        reference: Option<Text>,
        /// The balance after it.
        on_hand: i64,
        at: Timestamp,
    },
    #[serde(rename = "inventory.reserved")]
    Reserved { order: OrderId, quantity: i64, expires_at: Timestamp, at: Timestamp },
    #[serde(rename = "inventory.reservation_extended")]
    ReservationExtended { order: OrderId, expires_at: Timestamp, at: Timestamp },
    #[serde(rename = "inventory.released")]
    Released { order: OrderId, quantity: i64, why: ReleaseReason, at: Timestamp },
    /// The sale: what was reserved has left the shelf.
    #[serde(rename = "inventory.committed")]
    Committed { order: OrderId, quantity: i64, on_hand: i64, at: Timestamp },
    #[serde(rename = "inventory.reorder_level_set")]
    ReorderLevelSet { reorder_level: u32, reorder_quantity: u32, at: Timestamp },
    #[serde(rename = "inventory.low_stock")]
    LowStock { available: i64, reorder_level: u32, at: Timestamp },
    #[serde(rename = "inventory.recovered")]
    Recovered { available: i64, reorder_level: u32, at: Timestamp },
}

/// Why the number on the shelf was changed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AdjustmentKind {
    /// Goods came in from a supplier.
    Purchase,
    /// Goods came back from a customer.
    Return,
    /// Goods were broken or lost.
    Damage,
    /// A correction, either way.
    Adjustment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseReason {
    Cancelled,
    PaymentFailed,
    Expired,
}

impl InventoryEvent {
    pub fn name(&self) -> &'static str {
        match self {
            InventoryEvent::Registered { .. } => "inventory.registered",
            InventoryEvent::Adjusted { .. } => "inventory.adjusted",
            InventoryEvent::Reserved { .. } => "inventory.reserved",
            InventoryEvent::ReservationExtended { .. } => "inventory.reservation_extended",
            InventoryEvent::Released { .. } => "inventory.released",
            InventoryEvent::Committed { .. } => "inventory.committed",
            InventoryEvent::ReorderLevelSet { .. } => "inventory.reorder_level_set",
            InventoryEvent::LowStock { .. } => "inventory.low_stock",
            InventoryEvent::Recovered { .. } => "inventory.recovered",
        }
    }
}

impl DomainEvent for InventoryEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
