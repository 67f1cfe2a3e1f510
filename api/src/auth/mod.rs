//! Identifies the caller of a request by its headers.
//!
//! | header | caller |
//! |---|---|
//! | `Authorization: Bearer <jwt>` | a customer, support or admin |
//! | `X-API-Key` | a program, in the role of support or admin |
//! | `X-Cart-Token` | a guest, by their cart; beside another credential it is checked but not used |
//! | none | anonymous |

mod api_keys;
mod cart_token;
mod hmac;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, header};
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use domain::{CartId, CustomerId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

pub use api_keys::{ApiKey, ApiKeysError, read_api_keys};
pub use cart_token::CartTokens;
pub use token::{IssueError, Tokens};

use crate::secret::Secret;

/// The header with the API key of a program.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The header with the cart token of a guest.
pub const CART_TOKEN: HeaderName = HeaderName::from_static("x-cart-token");

/// The role of a caller who has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Uses their own carts, orders and payments.
    Customer,
    /// Staff: reads everything and processes orders, payments and returns.
    Support,
    /// Staff: may do everything that support may, and changes the catalogue, stock and coupons.
    Admin,
}

impl Role {
    pub fn is_staff(self) -> bool {
        matches!(self, Role::Support | Role::Admin)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Customer => "customer",
            Role::Support => "support",
            Role::Admin => "admin",
        })
    }
}

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    Anonymous,
    /// The holder of a cart token.
    Guest {
        cart: CartId,
    },
    Customer {
        id: CustomerId,
    },
    /// The id of staff is made of the token's issuer and subject, as that of customers. The subject itself is not
    /// stored.
    Support {
        id: Uuid,
    },
    Admin {
        id: Uuid,
    },
    /// A program. Its role is never [`Role::Customer`].
    Key {
        name: Arc<str>,
        role: Role,
    },
}

impl Caller {
    /// The role; `None` for callers who have not signed in.
    pub fn role(&self) -> Option<Role> {
        match self {
            Caller::Anonymous | Caller::Guest { .. } => None,
            Caller::Customer { .. } => Some(Role::Customer),
            Caller::Support { .. } => Some(Role::Support),
            Caller::Admin { .. } => Some(Role::Admin),
            Caller::Key { role, .. } => Some(*role),
        }
    }

    pub fn is_staff(&self) -> bool {
        self.role().is_some_and(Role::is_staff)
    }

    pub fn customer(&self) -> Option<CustomerId> {
        match self {
            Caller::Customer { id } => Some(*id),
            _ => None,
        }
    }

    /// The name under which the caller is recorded in the event log.
    pub fn actor(&self) -> String {
        match self {
            Caller::Anonymous => "guest:anonymous".to_owned(),
            Caller::Guest { cart } => format!("guest:{cart}"),
            Caller::Customer { id } => format!("customer:{id}"),
            Caller::Support { id } | Caller::Admin { id } => format!("staff:{id}"),
            Caller::Key { name, .. } => format!("key:{name}"),
        }
    }
}

/// The caller, and how long the credentials are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub caller: Caller,
    /// When the caller's token expires; `None` for callers without a token.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why credentials are refused. The messages contain nothing that helps to guess credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    #[error("the header Authorization is not of the form `Bearer <token>`")]
    AuthorizationMalformed,
    #[error("the token has expired")]
    TokenExpired,
    #[error("the token is not valid yet")]
    TokenNotYetValid,
    #[error("the token is not valid: {0}")]
    TokenInvalid(&'static str),
    #[error("the API key is unknown")]
    ApiKeyUnknown,
    #[error("the cart token is not valid")]
    CartTokenInvalid,
    #[error("Authorization and X-API-Key name two callers; send one of them")]
    Ambiguous,
}

impl Unauthenticated {
    /// The value of `extensions.reason` in the answer.
    pub fn reason(&self) -> &'static str {
        match self {
            Unauthenticated::AuthorizationMalformed => "AUTHORIZATION_MALFORMED",
            Unauthenticated::TokenExpired => "TOKEN_EXPIRED",
            Unauthenticated::TokenNotYetValid => "TOKEN_NOT_YET_VALID",
            Unauthenticated::TokenInvalid(_) => "TOKEN_INVALID",
            Unauthenticated::ApiKeyUnknown => "API_KEY_UNKNOWN",
            Unauthenticated::CartTokenInvalid => "CART_TOKEN_INVALID",
            Unauthenticated::Ambiguous => "AMBIGUOUS_CREDENTIALS",
        }
    }
}

/// Checks credentials and issues tokens.
#[derive(Debug)]
pub struct Authenticator {
    tokens: Tokens,
    pub carts: CartTokens,
    api_keys: Vec<ApiKey>,
}

/// The settings with which credentials are issued and checked.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// The issuer that a JWT must name.
    pub jwt_issuer: String,
    /// The audience that a JWT must name.
    pub jwt_audience: String,
    /// Signs and verifies the JWTs of customers and staff (HS256).
    pub jwt_secret: Secret,
    /// Signs and verifies the cart tokens of guests.
    pub cart_token_secret: Secret,
    pub api_keys: Vec<ApiKey>,
}

impl Authenticator {
    pub fn new(settings: &AuthSettings) -> Self {
        let AuthSettings { jwt_issuer, jwt_audience, jwt_secret, cart_token_secret, api_keys } =
            settings;
        Authenticator {
            tokens: Tokens::shared(jwt_secret, jwt_issuer, jwt_audience),
            carts: CartTokens::new(cart_token_secret),
            api_keys: api_keys.clone(),
        }
    }

    /// Identifies the caller who sends these headers.
    ///
    /// # Errors
    /// If a credential was sent but is not valid. Such a caller must not be served as an anonymous one.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Identity, Unauthenticated> {
        let cart =
            headers.get(CART_TOKEN).map(|token| self.carts.verify(token.as_bytes())).transpose()?;
        let (caller, expires_at) = match (headers.get(header::AUTHORIZATION), headers.get(API_KEY))
        {
            (Some(_), Some(_)) => return Err(Unauthenticated::Ambiguous),
            (Some(authorization), None) => {
                let (caller, expires_at) =
                    self.tokens.verify(parse_bearer(authorization.as_bytes())?)?;
                (caller, Some(expires_at))
            }
            (None, Some(key)) => (self.find_api_key(key.as_bytes())?, None),
            (None, None) => (cart.map_or(Caller::Anonymous, |cart| Caller::Guest { cart }), None),
        };
        Ok(Identity { caller, expires_at })
    }

    /// Issues a signed token, for development and for `cartulary token`.
    pub fn issue(
        &self,
        subject: &str,
        role: Role,
        ttl: std::time::Duration,
        now: DateTime<Utc>,
    ) -> Result<String, IssueError> {
        self.tokens.issue(subject, role, ttl, now)
    }

    /// Finds the API key that was presented. It compares the hash with that of every key in constant time, so that
    /// the time taken shows neither which key matched nor how much of it.
    fn find_api_key(&self, presented: &[u8]) -> Result<Caller, Unauthenticated> {
        let hash: [u8; 32] = Sha256::digest(presented).into();
        let mut found = None;
        for key in &self.api_keys {
            if bool::from(key.sha256.ct_eq(&hash)) {
                found = Some(key);
            }
        }
        let key = found.ok_or(Unauthenticated::ApiKeyUnknown)?;
        Ok(Caller::Key { name: key.name.clone(), role: key.role })
    }
}

/// Parses `Bearer <token>`. The case of the scheme does not matter.
fn parse_bearer(header: &[u8]) -> Result<&str, Unauthenticated> {
    let text = std::str::from_utf8(header).map_err(|_| Unauthenticated::AuthorizationMalformed)?;
    match text.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() =>
        {
            Ok(token.trim())
        }
        _ => Err(Unauthenticated::AuthorizationMalformed),
    }
}
