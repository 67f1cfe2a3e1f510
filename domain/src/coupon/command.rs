//! The commands of a coupon, and the errors with which it refuses them.

use super::{CouponCode, CouponTerms};
use crate::{Currency, ErrorCode, Money, MoneyError, OrderId, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum CouponCommand {
    Create {
        code: CouponCode,
        terms: CouponTerms,
    },
    /// Uses the coupon for an order whose goods cost `subtotal`.
    Redeem {
        order: OrderId,
        subtotal: Money,
    },
    /// Releases the use by an order that was cancelled or has expired.
    Release {
        order: OrderId,
    },
    Disable,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CouponError {
    #[error("there is already a coupon {0}; choose another code")]
    Exists(CouponCode),
    #[error("there is no coupon with this code")]
    Missing,
    #[error("this coupon was disabled by the shop")]
    Disabled,
    #[error("this coupon is valid from {0} on")]
    NotYet(Timestamp),
    #[error("this coupon was valid until {0}")]
    Over(Timestamp),
    #[error("this coupon is used up: the limit of {limit} uses is reached")]
    UsedUp { limit: u32 },
    #[error("this coupon is for goods of {minimum} or more, these cost {subtotal}")]
    BelowMinimum { minimum: Money, subtotal: Money },
    #[error("this coupon is for goods in {currency}, these cost {subtotal}")]
    OtherCurrency { currency: Currency, subtotal: Money },
    #[error("the discount must be more than 0")]
    NoDiscount,
    #[error("validUntil must be later than validFrom, which is {from}, got {until}")]
    EndsBeforeStart { from: Timestamp, until: Timestamp },
    #[error("usageLimit must be at least 1, got 0")]
    NoUses,
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

impl CouponError {
    pub fn code(&self) -> ErrorCode {
        match self {
            CouponError::Exists(_) => ErrorCode::CouponExists,
            CouponError::Missing => ErrorCode::CouponNotFound,
            CouponError::Disabled | CouponError::NotYet(_) | CouponError::Over(_) => {
                ErrorCode::CouponNotValid
            }
            CouponError::UsedUp { .. } => ErrorCode::CouponUsedUp,
            CouponError::BelowMinimum { .. } => ErrorCode::CouponMinimum,
            CouponError::OtherCurrency { .. } => ErrorCode::CurrencyMismatch,
            CouponError::NoDiscount => ErrorCode::InvalidAmount,
            CouponError::EndsBeforeStart { .. } | CouponError::NoUses => ErrorCode::InvalidInput,
            CouponError::Amount(_) => ErrorCode::AmountTooLarge,
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        match self {
            CouponError::NoDiscount => "discount",
            CouponError::EndsBeforeStart { .. } => "validUntil",
            CouponError::NoUses => "usageLimit",
            _ => "code",
        }
    }
}
