//! Refusals: each has a code for programs, a sentence for people, and an input field for forms.

use crate::ErrorCode;
use crate::cart::CartError;
use crate::checkout::CheckoutError;
use crate::coupon::CouponError;
use crate::inventory::InventoryError;
use crate::notification::NotificationError;
use crate::order::OrderError;
use crate::payment::PaymentError;
use crate::product::ProductError;

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
