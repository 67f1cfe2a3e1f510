//! The codes of all refusals, and the refusal of a value that is not valid.

use serde::{Deserialize, Serialize};

use crate::stored_name;

/// The reason for a refusal, for programs. Codes are added, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    InvalidInput,
    InvalidId,
    InvalidSku,
    InvalidQuantity,
    InvalidCurrency,
    InvalidAmount,
    InvalidText,
    InvalidEmail,
    InvalidPercentage,
    InvalidCoupon,
    CardNumberRefused,
    NotFound,
    VersionConflict,
    IdempotencyKeyReused,
    ProductExists,
    ProductNotFound,
    ProductDiscontinued,
    CartNotActive,
    CartEmpty,
    CartLineNotFound,
    TooManyLines,
    CurrencyMismatch,
    PriceChanged,
    InventoryExists,
    InventoryNotFound,
    InsufficientStock,
    BelowReserved,
    ReasonRequired,
    OrderNotPending,
    OrderNotConfirmed,
    OrderNotProcessing,
    OrderNotPaid,
    OrderAlreadyShipped,
    OrderClosed,
    QuantityExceedsUnshipped,
    QuantityExceedsShipped,
    QuantityExceedsDelivered,
    ReservationEnded,
    PaymentInProgress,
    PaymentNotCapturable,
    PaymentNotVoidable,
    PaymentNotRefundable,
    AmountExceedsAuthorized,
    AmountExceedsCaptured,
    AmountTooLarge,
    CouponExists,
    CouponNotFound,
    CouponNotValid,
    CouponUsedUp,
    CouponMinimum,
}

impl ErrorCode {
    /// Its name for clients and in metrics, such as `INSUFFICIENT_STOCK`.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }
}

/// An input that is not a valid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    pub code: ErrorCode,
    pub message: String,
}

impl Invalid {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Invalid { code, message: message.into() }
    }
}
