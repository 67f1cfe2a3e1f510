//! The errors of mutations and queries, as clients get them.
//!
//! Refusals by the rules, and input that makes no sense, are errors in the payload; a form can show
//! them. Errors at the top level are for authentication, syntax, limits and faults.

use async_graphql::{ErrorExtensions, Interface, SimpleObject};
use commands::CommandError;
use domain::checkout::CheckoutError;
use domain::{Invalid, Refusal};
use projections::QueryError;

use super::error_code::ErrorCode;
use super::money::Money;

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
        UserError::General(GeneralError { code: ErrorCode(code), message: message.into(), path })
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
                matches!(errors.as_slice(), [UserError::General(e)] if e.code == ErrorCode(code))
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
                    code: ErrorCode(domain::ErrorCode::VersionConflict),
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
    let (code, message) = (ErrorCode(refusal.code()), refusal.to_string());
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
