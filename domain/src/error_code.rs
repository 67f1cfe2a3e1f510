//! The codes of all refusals. The schema of the API lists them as they stand here.

use serde::{Deserialize, Serialize};

use crate::stored_name;

/// Declares the codes. The comment on a code is its description for clients as well.
macro_rules! error_codes {
    ($(#[$meta:meta])* pub enum ErrorCode { $($(#[doc = $line:literal])+ $code:ident,)+ }) => {
        $(#[$meta])*
        pub enum ErrorCode { $($(#[doc = $line])+ $code,)+ }

        impl ErrorCode {
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$code),+];

            /// When a client gets this code.
            pub fn description(self) -> String {
                let lines: &[&str] = match self {
                    $(ErrorCode::$code => &[$($line),+],)+
                };
                lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
            }
        }
    };
}

error_codes! {
    /// The reason for a refusal, for programs. Codes are added, never renamed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum ErrorCode {
        /// The input is incomplete or contradicts itself, for example a list without entries.
        InvalidInput,
        /// The text is not a UUID, so it cannot be the id of anything.
        InvalidId,
        /// A SKU must have 1 to 64 letters, digits, dots, dashes and underscores.
        InvalidSku,
        /// The number of units is out of range, or has the wrong sign for its kind of stock adjustment.
        InvalidQuantity,
        /// The currency is not a three-letter code of ISO 4217 in upper case.
        InvalidCurrency,
        /// The amount is not a whole number of minor units, or is not greater than zero where it must be.
        InvalidAmount,
        /// The text is empty, too long, or contains control characters.
        InvalidText,
        /// The text is not an e-mail address of at most 254 characters.
        InvalidEmail,
        /// A percentage must be a number from 0 to 100 with at most four decimals.
        InvalidPercentage,
        /// A coupon code must have 3 to 40 letters, digits and dashes.
        InvalidCoupon,
        /// The text looks like it contains a card number, which the shop must never store.
        CardNumberRefused,
        /// The object does not exist, or the caller may not see it. The two are deliberately the same
        /// answer.
        NotFound,
        /// The object has changed since the version that was given as `expectedVersion`. Comes as
        /// `VersionConflictError`.
        VersionConflict,
        /// The caller has used this idempotency key before, for a different mutation or input.
        IdempotencyKeyReused,
        /// A product with this SKU exists already.
        ProductExists,
        /// No product has this SKU.
        ProductNotFound,
        /// The product is not sold any more, so it cannot be added or ordered.
        ProductDiscontinued,
        /// The cart cannot be changed or checked out, because it has not begun yet or is checked out,
        /// merged or expired.
        CartNotActive,
        /// The cart has no lines.
        CartEmpty,
        /// The cart has no line with this SKU.
        CartLineNotFound,
        /// The cart or the request would have more than 250 lines.
        TooManyLines,
        /// The amounts are in two currencies, and the shop does not convert between currencies.
        CurrencyMismatch,
        /// The current price or total differs from the one expected. Comes as `PriceChangedError` with
        /// the current amount.
        PriceChanged,
        /// The stock of this SKU is registered already.
        InventoryExists,
        /// No stock is registered for this SKU.
        InventoryNotFound,
        /// Too few units of at least one SKU are available. Comes as `InsufficientStockError` with each
        /// shortage.
        InsufficientStock,
        /// The adjustment would leave fewer units than are reserved for orders.
        BelowReserved,
        /// A stock adjustment needs a reason or a reference.
        ReasonRequired,
        /// The order is not waiting for a payment, because it is confirmed, cancelled or expired.
        OrderNotPending,
        /// The order is still waiting for its payment, so it cannot be processed.
        OrderNotConfirmed,
        /// Either processing has not started, which shipping and delivery need, or it has started, which
        /// makes it too late to change or cancel the order.
        OrderNotProcessing,
        /// The payment that covered the order was refunded, voided or has expired.
        OrderNotPaid,
        /// Some units are shipped, so the order cannot be cancelled; they can be returned.
        OrderAlreadyShipped,
        /// The order is cancelled or expired.
        OrderClosed,
        /// More units were given than are left to ship.
        QuantityExceedsUnshipped,
        /// More units were given than are shipped and not delivered yet.
        QuantityExceedsShipped,
        /// More units were given than are delivered and can still be returned.
        QuantityExceedsDelivered,
        /// The time to pay for the order is over, see `Order.reservedUntil`.
        ReservationEnded,
        /// Another payment of the order is not finished: it has neither failed nor been cancelled nor
        /// expired.
        PaymentInProgress,
        /// The payment has no authorised money left that could be captured.
        PaymentNotCapturable,
        /// The payment has no authorised money left that could be released.
        PaymentNotVoidable,
        /// The payment has no captured money left that could be refunded.
        PaymentNotRefundable,
        /// The amount is greater than what is authorised and left to capture.
        AmountExceedsAuthorized,
        /// The amount is greater than what is captured and left to refund.
        AmountExceedsCaptured,
        /// A sum of money exceeds 64 bits of minor units.
        AmountTooLarge,
        /// A coupon with this code exists already.
        CouponExists,
        /// No coupon has this code.
        CouponNotFound,
        /// The coupon is disabled, or the present time is outside its period of validity.
        CouponNotValid,
        /// As many orders as `Coupon.usageLimit` allows have used the coupon.
        CouponUsedUp,
        /// The goods cost less than `Coupon.minimum`.
        CouponMinimum,
    }
}

impl ErrorCode {
    /// Its name for clients and in metrics, such as `INSUFFICIENT_STOCK`.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }
}
