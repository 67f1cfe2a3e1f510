//! What may be asked of a coupon, and why it may be refused.

use super::{CouponCode, CouponTerms};
use crate::{Currency, ErrorCode, Money, MoneyError, OrderId};

#[derive(Debug, Clone, PartialEq)]
pub enum CouponCommand {
    Create {
        code: CouponCode,
        terms: CouponTerms,
    },
    /// Uses it once, for an order of goods for this much.
    Redeem {
        order: OrderId,
        subtotal: Money,
    },
    /// Takes back the use for an order that came to nothing.
    Release {
        order: OrderId,
    },
    Disable,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CouponError {
    #[error("there is already a coupon {0}")]
    Exists(CouponCode),
    #[error("there is no such coupon")]
    Missing,
    #[error("this coupon is no longer valid")]
    Disabled,
    #[error("this coupon is not valid yet")]
    NotYet,
    #[error("the time of this coupon is over")]
    Over,
    #[error("this coupon has been used as often as it may be")]
    UsedUp,
    #[error("this coupon is for orders of {0} or more")]
    BelowMinimum(Money),
    #[error("this coupon is for orders in {0}")]
    OtherCurrency(Currency),
    #[error("a fixed discount is more than nothing, a percentage more than 0")]
    NoDiscount,
    #[error("a coupon ends after it begins, and may be used at least once")]
    NeverValid,
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

impl CouponError {
    pub fn code(&self) -> ErrorCode {
        match self {
            CouponError::Exists(_) => ErrorCode::CouponExists,
            CouponError::Missing => ErrorCode::CouponNotFound,
            CouponError::Disabled | CouponError::NotYet | CouponError::Over => {
                ErrorCode::CouponNotValid
            }
            CouponError::UsedUp => ErrorCode::CouponUsedUp,
            CouponError::BelowMinimum(_) => ErrorCode::CouponMinimum,
            CouponError::OtherCurrency(_) => ErrorCode::CurrencyMismatch,
            CouponError::NoDiscount => ErrorCode::InvalidAmount,
            CouponError::NeverValid => ErrorCode::InvalidInput,
            CouponError::Amount(_) => ErrorCode::AmountTooLarge,
        }
    }

    pub fn field(&self) -> &'static str {
        match self {
            CouponError::NoDiscount => "discount",
            CouponError::NeverValid => "validUntil",
            _ => "code",
        }
    }
}
