//! Why a decision over several streams may be refused.

use crate::{ErrorCode, Money, MoneyError, Sku};

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckoutError {
    #[error("{}", sentence(.0))]
    InsufficientStock(Vec<Shortage>),
    #[error("prices have changed; the total is now {current}")]
    PriceChanged { current: Money },
    #[error("a payment of this order is still under way")]
    PaymentInProgress,
    #[error("the time to pay for this order is over")]
    ReservationEnded,
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

/// A SKU of which there is not enough; units.
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

    pub fn field(&self) -> &'static str {
        match self {
            CheckoutError::InsufficientStock(_) | CheckoutError::Amount(_) => "cartId",
            CheckoutError::PriceChanged { .. } => "expectedTotal",
            CheckoutError::PaymentInProgress | CheckoutError::ReservationEnded => "orderId",
        }
    }
}

fn sentence(shortages: &[Shortage]) -> String {
    let parts: Vec<_> = shortages
        .iter()
        .map(|s| format!("{} of {} are wanted and {} available", s.wanted, s.sku, s.available))
        .collect();
    parts.join("; ")
}
