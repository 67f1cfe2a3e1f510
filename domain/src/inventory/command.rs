//! What may be asked of the stock of a SKU, and why it may be refused.

use super::{AdjustmentKind, ReleaseReason};
use crate::{ErrorCode, OrderId, Quantity, Sku, Text, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum InventoryCommand {
    /// Begins the ledger; `on_hand` units are its first line.
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
    /// Sells what is reserved, or, where the reservation has been released, what is available.
    Commit {
        order: OrderId,
        quantity: Quantity,
    },
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InventoryError {
    #[error("the stock of {0} is already registered")]
    Exists(Sku),
    #[error("no stock is registered for this SKU")]
    Missing,
    #[error("{available} are available, {wanted} are wanted")]
    Insufficient { available: i64, wanted: i64 },
    #[error("{reserved} units are reserved, so no fewer than that can be on hand")]
    BelowReserved { reserved: i64 },
    #[error("give a reason or a reference for the adjustment")]
    ReasonRequired,
    #[error("{}", match .0 {
        AdjustmentKind::Purchase | AdjustmentKind::Return => "what comes in is more than nothing",
        AdjustmentKind::Damage => "what is written off is less than nothing",
        AdjustmentKind::Adjustment => "a correction of nothing corrects nothing",
    })]
    WrongSign(AdjustmentKind),
    #[error("no adjustment moves more than {max} units", max = super::MAX_UNITS)]
    TooMany,
}

impl InventoryError {
    pub fn code(&self) -> ErrorCode {
        match self {
            InventoryError::Exists(_) => ErrorCode::InventoryExists,
            InventoryError::Missing => ErrorCode::InventoryNotFound,
            InventoryError::Insufficient { .. } => ErrorCode::InsufficientStock,
            InventoryError::BelowReserved { .. } => ErrorCode::BelowReserved,
            InventoryError::ReasonRequired => ErrorCode::ReasonRequired,
            InventoryError::WrongSign(_) | InventoryError::TooMany => ErrorCode::InvalidQuantity,
        }
    }

    pub fn field(&self) -> &'static str {
        match self {
            InventoryError::Exists(_) | InventoryError::Missing => "sku",
            InventoryError::ReasonRequired => "reason",
            _ => "quantity",
        }
    }
}
