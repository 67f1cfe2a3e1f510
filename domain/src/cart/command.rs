//! The commands of a cart, and the errors with which it refuses them.

use super::Owner;
use crate::coupon::CouponCode;
use crate::grouped::grouped;
use crate::product::Offer;
use crate::{CartId, Currency, CustomerId, ErrorCode, Money, MoneyError, OrderId, Quantity, Sku};

/// The largest number of lines in a cart.
pub const MAX_LINES: usize = 250;

#[derive(Debug, Clone, PartialEq)]
pub enum CartCommand {
    Create {
        owner: Owner,
        /// See [`super::CartEvent::Created`].
        idle_seconds: u32,
    },
    /// Adds products to the cart. If there is no cart, or if it has expired, it is created.
    AddLines {
        /// Used only if this command creates the cart.
        owner: Owner,
        /// Used only if this command creates the cart.
        idle_seconds: u32,
        lines: Vec<Addition>,
    },
    /// Sets the quantities of lines of the cart; `None` removes the line.
    UpdateLines {
        lines: Vec<(Sku, Option<Quantity>)>,
    },
    RemoveLines {
        skus: Vec<Sku>,
    },
    Clear,
    /// The discount is not stored: it is calculated whenever the cart is read, and at checkout.
    ApplyCoupon {
        code: CouponCode,
    },
    RemoveCoupon,
    /// Ends a guest's cart whose lines were added to the customer's cart.
    MergeInto {
        cart: CartId,
        customer: CustomerId,
    },
    /// Ends a cart that was idle for too long.
    Expire,
    /// Brings the prices of the lines up to date and ends the cart.
    CheckOut {
        order: OrderId,
        offers: Vec<Offer>,
    },
}

/// A product to add to a cart, and the number of units.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    pub offer: Offer,
    pub quantity: Quantity,
    /// The price that the client saw; if it has changed since, the command is refused.
    pub expected_unit_price: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CartError {
    #[error(
        "this cart is not active: it does not exist, or it was checked out, merged or has expired; \
             create a new one"
    )]
    NotActive,
    #[error("this cart is empty; add a product first")]
    Empty,
    #[error("{0} is not in this cart")]
    LineNotFound(Sku),
    #[error("a line must have at most {max} units, {sku} would have {wanted}", max = grouped(Quantity::MAX.into()))]
    TooManyUnits { sku: Sku, wanted: i64 },
    #[error("a cart must have at most {max} lines; remove a line first", max = MAX_LINES)]
    TooManyLines,
    #[error("this cart is priced in {cart}, the product in {product}; use another cart for it")]
    CurrencyMismatch { cart: Currency, product: Currency },
    #[error("{sku} now costs {current}; send this price to accept it")]
    PriceChanged { sku: Sku, current: Money },
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

impl CartError {
    pub fn code(&self) -> ErrorCode {
        match self {
            CartError::NotActive => ErrorCode::CartNotActive,
            CartError::Empty => ErrorCode::CartEmpty,
            CartError::LineNotFound(_) => ErrorCode::CartLineNotFound,
            CartError::TooManyUnits { .. } => ErrorCode::InvalidQuantity,
            CartError::TooManyLines => ErrorCode::TooManyLines,
            CartError::CurrencyMismatch { .. } => ErrorCode::CurrencyMismatch,
            CartError::PriceChanged { .. } => ErrorCode::PriceChanged,
            CartError::Amount(_) => ErrorCode::AmountTooLarge,
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        match self {
            CartError::NotActive | CartError::Empty => "cartId",
            _ => "lines",
        }
    }
}
