//! The events of the stock of a SKU. These names and fields are the storage format: add, never
//! change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{OrderId, Sku, Text, Timestamp, stored_name};

/// All quantities are units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InventoryEvent {
    #[serde(rename = "inventory.registered")]
    Registered { sku: Sku, reorder_level: u32, reorder_quantity: u32, at: Timestamp },
    #[serde(rename = "inventory.adjusted")]
    Adjusted {
        kind: AdjustmentKind,
        /// Positive for units that were added, negative for units that were removed.
        quantity: i64,
        reason: Option<Text>,
        reference: Option<Text>,
        /// The units on hand after the adjustment.
        on_hand: i64,
        at: Timestamp,
    },
    #[serde(rename = "inventory.reserved")]
    Reserved { order: OrderId, quantity: i64, expires_at: Timestamp, at: Timestamp },
    #[serde(rename = "inventory.reservation_extended")]
    ReservationExtended { order: OrderId, expires_at: Timestamp, at: Timestamp },
    #[serde(rename = "inventory.released")]
    Released { order: OrderId, quantity: i64, why: ReleaseReason, at: Timestamp },
    /// The reserved units were sold, so they are not on hand any more.
    #[serde(rename = "inventory.committed")]
    Committed { order: OrderId, quantity: i64, on_hand: i64, at: Timestamp },
    #[serde(rename = "inventory.reorder_level_set")]
    ReorderLevelSet { reorder_level: u32, reorder_quantity: u32, at: Timestamp },
    #[serde(rename = "inventory.low_stock")]
    LowStock { available: i64, reorder_level: u32, at: Timestamp },
    #[serde(rename = "inventory.recovered")]
    Recovered { available: i64, reorder_level: u32, at: Timestamp },
}

/// Why the units on hand were adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AdjustmentKind {
    /// Units were delivered by a supplier.
    Purchase,
    /// Units were returned by a customer.
    Return,
    /// Units were damaged or lost.
    Damage,
    /// A correction, up or down.
    Adjustment,
}

/// Why a reservation ended without a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseReason {
    Cancelled,
    Expired,
}

impl DomainEvent for InventoryEvent {
    fn event_type(&self) -> String {
        stored_name(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
