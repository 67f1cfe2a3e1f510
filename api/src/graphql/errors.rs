//! The errors of mutations and queries, as clients get them.
//!
//! Refusals by the rules, and input that makes no sense, are errors in the payload; a form can show
//! them. Errors at the top level are for authentication, syntax, limits and faults.

use async_graphql::{Enum, ErrorExtensions, Interface, SimpleObject};
use commands::CommandError;
use domain::checkout::CheckoutError;
use domain::{Invalid, Refusal};
use projections::QueryError;

use super::money::Money;

/// Reasons why a mutation was refused, for programs to decide by. New codes may be added; existing
/// ones keep their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ErrorCode")]
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

/// A reason why a mutation was refused. Errors with data of their own have their own types.
#[derive(Debug, Clone, Interface)]
#[graphql(
    field(name = "code", ty = "&ErrorCode", desc = "The reason, for programs to decide by."),
    field(
        name = "message",
        ty = "&String",
        desc = "The reason in English, for people to read. Its wording may change."
    ),
    field(
        name = "path",
        ty = "&Vec<String>",
        desc = "The input field that is wrong, from the root: `[\"input\", \"lines\", \"2\", \"quantity\"]` is the third line's quantity. It may name a field that was left out."
    )
)]
pub enum UserError {
    General(GeneralError),
    InsufficientStock(InsufficientStockError),
    PriceChanged(PriceChangedError),
    VersionConflict(VersionConflictError),
}

/// An error that needs no data besides its code.
#[derive(Debug, Clone, SimpleObject)]
pub struct GeneralError {
    /// Any code except `INSUFFICIENT_STOCK`, `PRICE_CHANGED` and `VERSION_CONFLICT`, which have types
    /// of their own.
    pub code: ErrorCode,
    /// What is wrong, in one English sentence. Its wording may change.
    pub message: String,
    /// The input field that is wrong, such as `["input", "sku"]`.
    pub path: Vec<String>,
}

/// Too few units are available for an order. No unit was reserved and no order placed.
#[derive(Debug, Clone, SimpleObject)]
pub struct InsufficientStockError {
    /// Always `INSUFFICIENT_STOCK`.
    pub code: ErrorCode,
    /// An English sentence that names each SKU that is short.
    pub message: String,
    /// Always `["input", "cartId"]`, because the lines of the cart ask for too many units.
    pub path: Vec<String>,
    /// Each SKU that is short, so that one answer is enough to correct the cart.
    pub shortages: Vec<Shortage>,
}

/// A SKU of which an order needs more units than are available.
#[derive(Debug, Clone, SimpleObject)]
pub struct Shortage {
    /// SKU of the product that is short.
    pub sku: String,
    /// Number of units that the cart asks for.
    pub wanted: i64,
    /// Number of units that could be ordered at that moment; 0 if no stock is registered.
    pub available: i64,
}

/// The current price differs from the one the client expected. Nothing was changed.
#[derive(Debug, Clone, SimpleObject)]
pub struct PriceChangedError {
    /// Always `PRICE_CHANGED`.
    pub code: ErrorCode,
    /// An English sentence with the current price or total.
    pub message: String,
    /// The field with the expected price, such as `["input", "lines", "0", "expectedUnitPrice"]` or
    /// `["input", "expectedTotal"]`.
    pub path: Vec<String>,
    /// The current price of one unit for `cartLinesAdd`, the current total for `orderPlace`. Send it
    /// as the expected one to accept it.
    pub current: Money,
}

/// The object was changed after the client read it. Nothing was changed by this request.
#[derive(Debug, Clone, SimpleObject)]
pub struct VersionConflictError {
    /// Always `VERSION_CONFLICT`.
    pub code: ErrorCode,
    /// An English sentence with the expected and the actual version.
    pub message: String,
    /// Always `["input", "expectedVersion"]`.
    pub path: Vec<String>,
    /// The object's present version. Read the object again before you send it as `expectedVersion`.
    pub actual: i32,
}

/// Why a mutation was not done.
#[derive(Debug)]
pub enum Failure {
    /// Told in the payload.
    User(Vec<UserError>),
    /// Told at the top level.
    Fault(async_graphql::Error),
}

impl UserError {
    pub fn new(code: domain::ErrorCode, message: impl Into<String>, path: Vec<String>) -> Self {
        UserError::General(GeneralError { code: code.into(), message: message.into(), path })
    }

    pub fn invalid(invalid: Invalid, path: Vec<String>) -> Self {
        UserError::new(invalid.code, invalid.message, path)
    }

    /// The same error, about the input field at this path.
    fn with_path(mut self, field: &[String]) -> Self {
        let (UserError::General(GeneralError { path, .. })
        | UserError::InsufficientStock(InsufficientStockError { path, .. })
        | UserError::PriceChanged(PriceChangedError { path, .. })
        | UserError::VersionConflict(VersionConflictError { path, .. })) = &mut self;
        *path = field.to_vec();
        self
    }
}

impl Failure {
    /// The same failure; its user errors are about the input field at this path.
    #[must_use]
    pub fn with_path(self, field: &[String]) -> Self {
        match self {
            Failure::User(errors) => {
                Failure::User(errors.into_iter().map(|error| error.with_path(field)).collect())
            }
            Failure::Fault(error) => Failure::Fault(error),
        }
    }

    /// Whether the rules refused the command with this code.
    pub fn is(&self, code: domain::ErrorCode) -> bool {
        match self {
            Failure::User(errors) => {
                matches!(errors.as_slice(), [UserError::General(e)] if e.code == code.into())
            }
            Failure::Fault(_) => false,
        }
    }

    /// There is no such object, or it is somebody else's: the same answer.
    pub fn not_found(field: &str) -> Self {
        let path = in_input(field);
        Failure::User(vec![UserError::new(
            domain::ErrorCode::NotFound,
            "there is no such object",
            path,
        )])
    }
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Failure::User(vec![error])
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let message = error.to_string();
        match error {
            CommandError::Refused(refusal) => refused(&refusal).into(),
            CommandError::KeyReused => {
                let path = in_input("idempotencyKey");
                UserError::new(domain::ErrorCode::IdempotencyKeyReused, message, path).into()
            }
            CommandError::VersionConflict { actual, .. } => {
                UserError::VersionConflict(VersionConflictError {
                    code: ErrorCode::VersionConflict,
                    message,
                    path: in_input("expectedVersion"),
                    actual,
                })
                .into()
            }
            fault => Failure::Fault(command_fault(fault)),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Failure::Fault(query_fault(error))
    }
}

impl From<async_graphql::Error> for Failure {
    fn from(error: async_graphql::Error) -> Self {
        Failure::Fault(error)
    }
}

pub fn in_input(field: &str) -> Vec<String> {
    vec!["input".to_owned(), field.to_owned()]
}

fn refused(refusal: &Refusal) -> UserError {
    let (code, message) = (refusal.code().into(), refusal.to_string());
    let path = in_input(refusal.field());
    match refusal {
        Refusal::Checkout(CheckoutError::InsufficientStock(shortages)) => {
            let shortages = shortages
                .iter()
                .map(|s| Shortage {
                    sku: s.sku.to_string(),
                    wanted: s.wanted,
                    available: s.available,
                })
                .collect();
            UserError::InsufficientStock(InsufficientStockError { code, message, path, shortages })
        }
        Refusal::Checkout(CheckoutError::PriceChanged { current })
        | Refusal::Cart(domain::cart::CartError::PriceChanged { current, .. }) => {
            let current = Money(*current);
            UserError::PriceChanged(PriceChangedError { code, message, path, current })
        }
        _ => UserError::General(GeneralError { code, message, path }),
    }
}

/// Whether the command was carried out may be unknown; the same key can be sent again.
fn command_fault(error: CommandError) -> async_graphql::Error {
    tracing::error!(%error, "a command was not carried out");
    let text = match error {
        CommandError::TimedOut => {
            "the command took too long and may still be carried out; send it again with the same \
             idempotencyKey"
        }
        _ => "the command could not be carried out now; send it again with the same idempotencyKey",
    };
    fault("UNAVAILABLE", text)
}

/// A read model that could not be asked.
pub fn query_fault(error: QueryError) -> async_graphql::Error {
    match error {
        QueryError::BadCursor(_) => fault("BAD_USER_INPUT", &error.to_string()),
        QueryError::Database(_) => {
            tracing::error!(%error, "a query failed");
            fault("UNAVAILABLE", "the shop cannot be read now; try again")
        }
    }
}

pub fn fault(code: &'static str, message: &str) -> async_graphql::Error {
    async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}
