//! The errors of decisions over several streams.

use crate::{ErrorCode, Money, MoneyError, Sku};

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckoutError {
    #[error("there is not enough stock of {}", list(.0))]
    InsufficientStock(Vec<Shortage>),
    #[error("prices have changed; the total is now {current}: order again with this total")]
    PriceChanged { current: Money },
    #[error(
        "another payment of this order is not final yet; wait until it has succeeded or failed"
    )]
    PaymentInProgress,
    #[error("the time to pay for this order is over; place a new order")]
    ReservationEnded,
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

/// A SKU whose stock is not sufficient. Both figures are units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    pub sku: Sku,
    pub wanted: i64,
    pub available: i64,
}

impl CheckoutError {
    pub fn code(&self) -> ErrorCode {
        match self {
            CheckoutError::InsufficientStock(_) => ErrorCode::InsufficientStock,
            CheckoutError::PriceChanged { .. } => ErrorCode::PriceChanged,
            CheckoutError::PaymentInProgress => ErrorCode::PaymentInProgress,
            CheckoutError::ReservationEnded => ErrorCode::ReservationEnded,
            CheckoutError::Amount(_) => ErrorCode::AmountTooLarge,
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        match self {
            CheckoutError::InsufficientStock(_) | CheckoutError::Amount(_) => "cartId",
            CheckoutError::PriceChanged { .. } => "expectedTotal",
            CheckoutError::PaymentInProgress | CheckoutError::ReservationEnded => "orderId",
        }
    }
}

fn list(shortages: &[Shortage]) -> String {
    let shortage = |Shortage { sku, wanted, available }: &Shortage| {
        format!("{sku} ({wanted} wanted, {available} available)")
    };
    shortages.iter().map(shortage).collect::<Vec<_>>().join(", ")
}
