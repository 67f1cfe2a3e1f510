//! The errors of mutations and queries, as clients get them.
//!
//! Commands that the rules refuse and input that is not valid are errors in the payload, so that a form can show them.
//! Errors of authentication, syntax and limits, and internal errors, are at the top level of the answer.

use async_graphql::{Interface, SimpleObject};
use commands::CommandError;
use domain::checkout::CheckoutError;
use domain::{Invalid, Refusal};
use projections::QueryError;

use super::error_code::ErrorCode;
use super::money::Money;
use crate::graphql_http::error_with_code;

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

/// Why a mutation was not carried out.
#[derive(Debug)]
pub enum Failure {
    /// Errors for the list `errors` of the payload.
    InPayload(Vec<UserError>),
    /// An error for the top level of the answer.
    TopLevel(async_graphql::Error),
}

impl UserError {
    pub fn new(code: domain::ErrorCode, message: impl Into<String>, path: Vec<String>) -> Self {
        UserError::General(GeneralError { code: ErrorCode(code), message: message.into(), path })
    }

    pub fn invalid(invalid: Invalid, path: Vec<String>) -> Self {
        UserError::new(invalid.code, invalid.message, path)
    }

    /// Sets the path of the input field that the error is about.
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
    /// Sets the path of the input field that the errors of the payload are about.
    #[must_use]
    pub fn with_path(self, field: &[String]) -> Self {
        match self {
            Failure::InPayload(errors) => {
                Failure::InPayload(errors.into_iter().map(|error| error.with_path(field)).collect())
            }
            Failure::TopLevel(error) => Failure::TopLevel(error),
        }
    }

    /// Whether the rules refused the command with this code.
    pub fn has_code(&self, code: domain::ErrorCode) -> bool {
        match self {
            Failure::InPayload(errors) => {
                matches!(errors.as_slice(), [UserError::General(e)] if e.code == ErrorCode(code))
            }
            Failure::TopLevel(_) => false,
        }
    }

    /// The object does not exist or belongs to another person. Both have the same answer, so that ids cannot be probed.
    pub fn not_found(field: &str) -> Self {
        let path = in_input(field);
        Failure::InPayload(vec![UserError::new(
            domain::ErrorCode::NotFound,
            "there is no such object, or it belongs to another person",
            path,
        )])
    }
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Failure::InPayload(vec![error])
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let message = error.to_string();
        match error {
            CommandError::Refused(refusal) => render_refusal(&refusal).into(),
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
            error => Failure::TopLevel(command_error(error)),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Failure::TopLevel(query_error(error))
    }
}

impl From<async_graphql::Error> for Failure {
    fn from(error: async_graphql::Error) -> Self {
        Failure::TopLevel(error)
    }
}

/// The path of a field of the mutation's argument `input`.
pub fn in_input(field: &str) -> Vec<String> {
    vec!["input".to_owned(), field.to_owned()]
}

/// Renders a refusal of the domain.
fn render_refusal(refusal: &Refusal) -> UserError {
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

/// The error of a command that was neither carried out nor refused. The client may not know whether it was carried
/// out, so the message says that the same key can be sent again.
fn command_error(error: CommandError) -> async_graphql::Error {
    tracing::error!(%error, "a command was not carried out");
    let text = match error {
        CommandError::TimedOut => {
            "the command took too long and may still be carried out; send it again with the same \
             idempotencyKey"
        }
        _ => "the command could not be carried out now; send it again with the same idempotencyKey",
    };
    error_with_code("UNAVAILABLE", text)
}

/// The error of a query that failed.
pub fn query_error(error: QueryError) -> async_graphql::Error {
    match error {
        QueryError::BadCursor(_) => error_with_code("BAD_USER_INPUT", error.to_string()),
        QueryError::Database(_) => {
            tracing::error!(%error, "a query failed");
            error_with_code("UNAVAILABLE", "the shop cannot be read now; try again")
        }
    }
}
