//! The caller of a request, read from its headers before anything else.
//!
//! | header | caller |
//! |---|---|
//! | `Authorization: Bearer <jwt>` | a customer, support or admin |
//! | `X-API-Key` | a program, in the role of support or admin |
//! | `X-Cart-Token` | a guest, by their cart; ignored beside another credential, if it is valid |
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

pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
pub const CART_TOKEN: HeaderName = HeaderName::from_static("x-cart-token");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Customer,
    Support,
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
    /// Staff have ids like customers, made of issuer and subject; the subject itself is stored nowhere.
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

    /// The `actor` of the log.
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
    /// When the caller's token expires; a connection that was opened with it ends then.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why credentials are refused. The messages do not help to guess.
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
    #[error("the API key is not known")]
    ApiKeyUnknown,
    #[error("the cart token is not valid")]
    CartTokenInvalid,
    #[error("Authorization and X-API-Key name two callers; send one of them")]
    Ambiguous,
}

impl Unauthenticated {
    /// The `extensions.reason` of the answer.
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

/// The settings that credentials are made and checked with.
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

    /// The caller who sends these headers.
    ///
    /// # Errors
    /// A credential that is there but not valid: a caller who sends one must not be served as anonymous.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Identity, Unauthenticated> {
        let cart =
            headers.get(CART_TOKEN).map(|token| self.carts.verify(token.as_bytes())).transpose()?;
        let (caller, expires_at) = match (headers.get(header::AUTHORIZATION), headers.get(API_KEY))
        {
            (Some(_), Some(_)) => return Err(Unauthenticated::Ambiguous),
            (Some(authorization), None) => {
                let (caller, expires_at) = self.tokens.verify(bearer(authorization.as_bytes())?)?;
                (caller, Some(expires_at))
            }
            (None, Some(key)) => (self.key(key.as_bytes())?, None),
            (None, None) => (cart.map_or(Caller::Anonymous, |cart| Caller::Guest { cart }), None),
        };
        Ok(Identity { caller, expires_at })
    }

    /// A signed token, for development and for `cartulary token`.
    pub fn issue(
        &self,
        subject: &str,
        role: Role,
        ttl: std::time::Duration,
        now: DateTime<Utc>,
    ) -> Result<String, IssueError> {
        self.tokens.issue(subject, role, ttl, now)
    }

    /// Compares with the hash of every key in constant time, so that the time taken shows neither which key
    /// matched nor how much of it.
    fn key(&self, presented: &[u8]) -> Result<Caller, Unauthenticated> {
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

/// The token in `Bearer <token>`; upper and lower case of the scheme are the same.
fn bearer(header: &[u8]) -> Result<&str, Unauthenticated> {
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
