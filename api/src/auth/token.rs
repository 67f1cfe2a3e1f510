//! JSON web tokens: verified against keys whose algorithm is pinned, and made for development.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::CustomerId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{Caller, Role, Unauthenticated};
use crate::secret::Secret;

/// Clocks differ by seconds, not by the library's default of a minute.
const LEEWAY_SECONDS: u64 = 5;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// A token of an identity provider that knows no roles is a customer's.
    #[serde(default = "customer")]
    role: Role,
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
}

/// One audience or several; which is right has been checked before it comes here.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

fn customer() -> Role {
    Role::Customer
}

/// Why no token can be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("--sub must not be empty")]
    NoSubject,
    #[error("--ttl is longer than time itself")]
    Ttl,
    #[error("the token cannot be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// The keys that tokens are verified with.
///
/// Today that is one shared secret.  Public keys (`JWT_JWKS_URL`, `JWT_JWKS_FILE`; RS256 and ES256)
/// will be a second kind of [`Keys`], chosen by the token's `kid`, with their own `Validation`: an
/// algorithm belongs to a key and is never taken from the token.
pub struct Tokens {
    keys: Keys,
    issuer: String,
    audience: String,
}

enum Keys {
    Shared { verifying: DecodingKey, signing: EncodingKey, validation: Validation },
}

impl Tokens {
    /// HS256 with a shared secret.
    pub fn shared(secret: &Secret, issuer: &str, audience: &str) -> Self {
        let keys = Keys::Shared {
            verifying: DecodingKey::from_secret(secret.expose_bytes()),
            signing: EncodingKey::from_secret(secret.expose_bytes()),
            validation: validation(Algorithm::HS256, issuer, audience),
        };
        Tokens { keys, issuer: issuer.to_owned(), audience: audience.to_owned() }
    }

    /// The caller that a token is for, and when it ends.
    pub fn verify(&self, token: &str) -> Result<(Caller, DateTime<Utc>), Unauthenticated> {
        let Keys::Shared { verifying, validation, .. } = &self.keys;
        let claims = decode::<Claims>(token, verifying, validation)
            .map_err(|error| refusal(error.kind()))?
            .claims;
        if claims.sub.is_empty() {
            return Err(Unauthenticated::TokenInvalid("its claim sub is empty"));
        }
        let expires_at = DateTime::from_timestamp(claims.exp, 0);
        let expires_at =
            expires_at.ok_or(Unauthenticated::TokenInvalid("its claim exp is no time"))?;
        let id = CustomerId::new(&claims.iss, &claims.sub);
        let caller = match claims.role {
            Role::Customer => Caller::Customer { id },
            Role::Support => Caller::Support { id: id.0 },
            Role::Admin => Caller::Admin { id: id.0 },
        };
        Ok((caller, expires_at))
    }

    pub fn issue(
        &self,
        subject: &str,
        role: Role,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<String, IssueError> {
        let Keys::Shared { signing, .. } = &self.keys;
        if subject.is_empty() {
            return Err(IssueError::NoSubject);
        }
        let ttl = TimeDelta::from_std(ttl).map_err(|_| IssueError::Ttl)?;
        let expires_at = now.checked_add_signed(ttl).ok_or(IssueError::Ttl)?;
        let claims = Claims {
            sub: subject.to_owned(),
            role,
            iss: self.issuer.clone(),
            aud: Audience::One(self.audience.clone()),
            exp: expires_at.timestamp(),
            iat: Some(now.timestamp()),
        };
        Ok(encode(&Header::new(Algorithm::HS256), &claims, signing)?)
    }
}

/// What every token must satisfy, besides its signature.
fn validation(algorithm: Algorithm, issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation
}

fn refusal(kind: &ErrorKind) -> Unauthenticated {
    Unauthenticated::TokenInvalid(match kind {
        ErrorKind::ExpiredSignature => return Unauthenticated::TokenExpired,
        ErrorKind::ImmatureSignature => return Unauthenticated::TokenNotYetValid,
        ErrorKind::InvalidSignature => "its signature does not match",
        ErrorKind::InvalidIssuer => "its issuer is another",
        ErrorKind::InvalidAudience => "its audience is another",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
            "its algorithm is not the one in use"
        }
        ErrorKind::MissingRequiredClaim(_) => "it lacks one of the claims exp, iss, aud and sub",
        ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => "one of its claims is malformed",
        _ => "it is malformed",
    })
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
