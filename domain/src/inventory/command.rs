//! The commands of the stock of a SKU, and the errors with which it refuses them.

use super::{AdjustmentKind, ReleaseReason};
use crate::grouped::grouped;
use crate::{ErrorCode, OrderId, Quantity, Sku, Text, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum InventoryCommand {
    /// Starts the stock's ledger with `on_hand` units.
    Register {
        sku: Sku,
        on_hand: u32,
        reorder_level: u32,
        reorder_quantity: u32,
    },
    Adjust {
        kind: AdjustmentKind,
        quantity: i64,
        reason: Option<Text>,
        reference: Option<Text>,
    },
    SetReorderLevel {
        reorder_level: u32,
        reorder_quantity: u32,
    },
    Reserve {
        order: OrderId,
        quantity: Quantity,
        expires_at: Timestamp,
    },
    ExtendReservation {
        order: OrderId,
        expires_at: Timestamp,
    },
    Release {
        order: OrderId,
        why: ReleaseReason,
    },
    /// Sells the reserved units or, if the reservation was released, units that are available.
    Commit {
        order: OrderId,
        quantity: Quantity,
    },
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InventoryError {
    #[error("the stock of {0} is already registered; adjust it instead")]
    Exists(Sku),
    #[error("no stock is registered for this SKU; register it first")]
    Missing,
    #[error("{available} units are available, {wanted} are wanted")]
    Insufficient { available: i64, wanted: i64 },
    #[error("{reserved} units are reserved, so the adjustment must not leave {on_hand} on hand")]
    BelowReserved { reserved: i64, on_hand: i64 },
    #[error("an adjustment must have a reason or a reference")]
    ReasonRequired,
    #[error("quantity must be {} in an adjustment of this kind, got {quantity}", match .kind {
        AdjustmentKind::Purchase | AdjustmentKind::Return => "more than 0",
        AdjustmentKind::Damage => "less than 0",
        AdjustmentKind::Adjustment => "more or less than 0",
    })]
    WrongSign { kind: AdjustmentKind, quantity: i64 },
    #[error(
        "an adjustment must not move more than {max} units, nor leave more on hand, got {units}",
        max = grouped(super::MAX_UNITS.unsigned_abs())
    )]
    TooMany { units: i64 },
}

impl InventoryError {
    pub fn code(&self) -> ErrorCode {
        match self {
            InventoryError::Exists(_) => ErrorCode::InventoryExists,
            InventoryError::Missing => ErrorCode::InventoryNotFound,
            InventoryError::Insufficient { .. } => ErrorCode::InsufficientStock,
            InventoryError::BelowReserved { .. } => ErrorCode::BelowReserved,
            InventoryError::ReasonRequired => ErrorCode::ReasonRequired,
            InventoryError::WrongSign { .. } | InventoryError::TooMany { .. } => {
                ErrorCode::InvalidQuantity
            }
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        match self {
            InventoryError::Exists(_) | InventoryError::Missing => "sku",
            InventoryError::ReasonRequired => "reason",
            _ => "quantity",
        }
    }
}
