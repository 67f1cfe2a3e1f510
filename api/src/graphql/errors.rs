//! What a client is told when something is not done.
//!
//! Refusals by the rules, and input that makes no sense, are errors in the payload; a form can show
//! them. Errors at the top level are for authentication, syntax, limits and faults.

use async_graphql::{Enum, ErrorExtensions, Interface, SimpleObject};
use commands::CommandError;
use domain::checkout::CheckoutError;
use domain::{Invalid, Refusal};
use projections::QueryError;

use super::money::Money;

/// What went wrong, for programs. Codes are added, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ErrorCode")]
pub enum ErrorCode {
    /// The input makes no sense.
    InvalidInput,
    /// This is no id.
    InvalidId,
    /// A SKU has 1 to 64 letters, digits, dots, dashes and underscores.
    InvalidSku,
    /// A quantity out of range.
    InvalidQuantity,
    /// No currency of ISO 4217.
    InvalidCurrency,
    /// An amount that is no whole number of minor units, or not more than nothing.
    InvalidAmount,
    /// A text that is empty, too long, or has control characters.
    InvalidText,
    /// No e-mail address.
    InvalidEmail,
    /// A percentage is from 0 to 100, with at most four decimals.
    InvalidPercentage,
    /// A coupon's code has 3 to 40 letters, digits and dashes.
    InvalidCoupon,
    /// What looks like a card number is never stored.
    CardNumberRefused,
    /// There is no such object, or it is somebody else's.
    NotFound,
    /// The object is at another version than the one named.
    VersionConflict,
    /// The idempotency key belongs to another request.
    IdempotencyKeyReused,
    /// There is a product with this SKU already.
    ProductExists,
    /// There is no product with this SKU.
    ProductNotFound,
    /// The product is no longer sold.
    ProductDiscontinued,
    /// The cart is checked out, merged or expired.
    CartNotActive,
    /// There is nothing in the cart.
    CartEmpty,
    /// The SKU is not in the cart.
    CartLineNotFound,
    /// A cart has at most 250 lines.
    TooManyLines,
    /// Two currencies cannot be mixed.
    CurrencyMismatch,
    /// The price is another one than was expected.
    PriceChanged,
    /// The stock of this SKU is registered already.
    InventoryExists,
    /// No stock is registered for this SKU.
    InventoryNotFound,
    /// There is not enough of a SKU.
    InsufficientStock,
    /// Fewer units than are reserved cannot be on hand.
    BelowReserved,
    /// An adjustment needs a reason or a reference.
    ReasonRequired,
    /// The order is no longer waiting for payment.
    OrderNotPending,
    /// The order is not confirmed yet.
    OrderNotConfirmed,
    /// The order is not being processed, or it is already.
    OrderNotProcessing,
    /// No payment covers the order any more.
    OrderNotPaid,
    /// Parts of the order are shipped.
    OrderAlreadyShipped,
    /// The order is cancelled or expired.
    OrderClosed,
    /// More than is left to ship.
    QuantityExceedsUnshipped,
    /// More than is on its way.
    QuantityExceedsShipped,
    /// More than was delivered and has not come back.
    QuantityExceedsDelivered,
    /// The time to pay for the order is over.
    ReservationEnded,
    /// A payment of the order is still under way.
    PaymentInProgress,
    /// Nothing is left to capture.
    PaymentNotCapturable,
    /// Nothing is left to void.
    PaymentNotVoidable,
    /// Nothing is left to refund.
    PaymentNotRefundable,
    /// More than is authorised.
    AmountExceedsAuthorized,
    /// More than was captured.
    AmountExceedsCaptured,
    /// The sum is too large.
    AmountTooLarge,
    /// There is a coupon with this code already.
    CouponExists,
    /// There is no coupon with this code.
    CouponNotFound,
    /// The coupon is disabled, not valid yet, or not valid any more.
    CouponNotValid,
    /// The coupon has been used as often as it may be.
    CouponUsedUp,
    /// The goods cost less than the coupon asks for.
    CouponMinimum,
}

/// Something that kept a mutation from being done.
#[derive(Debug, Clone, Interface)]
#[graphql(
    field(name = "code", ty = "&ErrorCode", desc = "What went wrong, for programs."),
    field(name = "message", ty = "&String", desc = "What went wrong, for people."),
    field(name = "path", ty = "&Vec<String>", desc = "The input field that it is about.")
)]
pub enum UserError {
    General(GeneralError),
    InsufficientStock(InsufficientStockError),
    PriceChanged(PriceChangedError),
    VersionConflict(VersionConflictError),
}

/// An error that carries no data of its own.
#[derive(Debug, Clone, SimpleObject)]
pub struct GeneralError {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: String,
    /// The input field that it is about.
    pub path: Vec<String>,
}

/// There is not enough of at least one SKU. Nothing was reserved.
#[derive(Debug, Clone, SimpleObject)]
pub struct InsufficientStockError {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: String,
    /// The input field that it is about.
    pub path: Vec<String>,
    /// Every SKU that is short.
    pub shortages: Vec<Shortage>,
}

/// A SKU of which there is not enough.
#[derive(Debug, Clone, SimpleObject)]
pub struct Shortage {
    /// The SKU.
    pub sku: String,
    /// Units that were asked for.
    pub wanted: i64,
    /// Units that can be had.
    pub available: i64,
}

/// The price is another one than was expected. Nothing was changed.
#[derive(Debug, Clone, SimpleObject)]
pub struct PriceChangedError {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: String,
    /// The input field that it is about.
    pub path: Vec<String>,
    /// What it would cost now: a unit or the whole, as was asked.
    pub current: Money,
}

/// The object is at another version than the one named. Nothing was changed.
#[derive(Debug, Clone, SimpleObject)]
pub struct VersionConflictError {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: String,
    /// The input field that it is about.
    pub path: Vec<String>,
    /// The object's version.
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

    /// The refusal of the rules has this code.
    pub fn is(&self, code: ErrorCode) -> bool {
        match self {
            Failure::User(errors) => {
                matches!(errors.as_slice(), [UserError::General(error)] if error.code == code)
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
    let text =
        "the command could not be carried out now; send it again with the same idempotencyKey";
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
