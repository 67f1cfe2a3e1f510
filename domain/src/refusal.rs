//! Why something was refused: a code for programs, a sentence for people, an input field for forms.

use serde::{Deserialize, Serialize};

use crate::cart::CartError;
use crate::checkout::CheckoutError;
use crate::coupon::CouponError;
use crate::inventory::InventoryError;
use crate::notification::NotificationError;
use crate::order::OrderError;
use crate::payment::PaymentError;
use crate::product::ProductError;
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
    /// The name by which clients and metrics know it, such as `INSUFFICIENT_STOCK`.
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

/// The refusal of any command.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Product(#[from] ProductError),
    #[error(transparent)]
    Cart(#[from] CartError),
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(transparent)]
    Payment(#[from] PaymentError),
    #[error(transparent)]
    Coupon(#[from] CouponError),
    #[error(transparent)]
    Notification(#[from] NotificationError),
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
}

impl Refusal {
    pub fn code(&self) -> ErrorCode {
        match self {
            Refusal::Product(error) => error.code(),
            Refusal::Cart(error) => error.code(),
            Refusal::Inventory(error) => error.code(),
            Refusal::Order(error) => error.code(),
            Refusal::Payment(error) => error.code(),
            Refusal::Coupon(error) => error.code(),
            Refusal::Notification(error) => error.code(),
            Refusal::Checkout(error) => error.code(),
        }
    }

    /// The input field that the refusal is about.
    pub fn field(&self) -> &'static str {
        match self {
            Refusal::Product(error) => error.field(),
            Refusal::Cart(error) => error.field(),
            Refusal::Inventory(error) => error.field(),
            Refusal::Order(error) => error.field(),
            Refusal::Payment(error) => error.field(),
            Refusal::Coupon(error) => error.field(),
            Refusal::Notification(error) => error.field(),
            Refusal::Checkout(error) => error.field(),
        }
    }
}
