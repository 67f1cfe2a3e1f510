//! What may be asked of a cart, and why it may be refused.

use super::Owner;
use crate::coupon::CouponCode;
use crate::product::Offer;
use crate::{CartId, Currency, CustomerId, ErrorCode, Money, MoneyError, OrderId, Quantity, Sku};

#[derive(Debug, Clone, PartialEq)]
pub enum CartCommand {
    Create {
        owner: Owner,
        /// As in [`super::CartEvent::Created`].
        idle_seconds: u32,
    },
    /// Puts products into the cart, which begins with it where there was none.
    AddLines {
        owner: Owner,
        /// Of a cart that begins with it.
        idle_seconds: u32,
        lines: Vec<Addition>,
    },
    /// Sets quantities of lines that are there; 0 removes a line.
    UpdateLines {
        lines: Vec<(Sku, Option<Quantity>)>,
    },
    RemoveLines {
        skus: Vec<Sku>,
    },
    Clear,
    /// Its discount is worked out anew whenever the cart is looked at, and again at checkout.
    ApplyCoupon {
        code: CouponCode,
    },
    RemoveCoupon,
    /// Ends a guest's cart whose lines went into the customer's.
    MergeInto {
        cart: CartId,
        customer: CustomerId,
    },
    /// Ends a cart that nobody has touched for too long.
    Expire,
    /// Brings captured prices up to date and ends the cart.
    CheckOut {
        order: OrderId,
        offers: Vec<Offer>,
    },
}

/// So many of what is offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    pub offer: Offer,
    pub quantity: Quantity,
    /// What the client saw; another price is refused.
    pub expected_unit_price: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CartError {
    #[error("this cart is no longer active")]
    NotActive,
    #[error("there is nothing in this cart")]
    Empty,
    #[error("{0} is not in this cart")]
    LineNotFound(Sku),
    #[error("no line holds more than {max} units, this one would hold {wanted}", max = Quantity::MAX)]
    TooManyUnits { sku: Sku, wanted: i64 },
    #[error("a cart has at most {max} lines", max = super::MAX_LINES)]
    TooManyLines,
    #[error("this cart is priced in {cart}, the product in {product}")]
    CurrencyMismatch { cart: Currency, product: Currency },
    #[error("{sku} now costs {current}")]
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

    pub fn field(&self) -> &'static str {
        match self {
            CartError::NotActive | CartError::Empty => "cartId",
            _ => "lines",
        }
    }
}
