//! JSON web tokens: verified with keys whose algorithm is fixed, and issued for development.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::CustomerId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Caller, Role, Unauthenticated, hmac};
use crate::secret::Secret;

/// The tolerated difference between clocks: seconds, instead of the library's minute.
const LEEWAY_SECONDS: u64 = 5;

/// The tokens in the cache; about 150 bytes each.
const REMEMBERED: usize = 20_000;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// A token without a role is a customer's: not every identity provider knows roles.
    #[serde(default = "customer")]
    role: Role,
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
}

/// One audience or several; the library has checked them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

fn customer() -> Role {
    Role::Customer
}

/// Why no token can be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("--sub must not be empty; name who the token is for")]
    NoSubject,
    #[error("--ttl is too long; choose a shorter time, such as 8h")]
    Ttl,
    #[error("the token cannot be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// The keys that tokens are verified with.
///
/// This is one shared secret. Public keys (RS256, ES256) would be a second kind of [`Keys`], chosen by the
/// token's `kid`, with their own `Validation`: an algorithm belongs to a key and is never taken from the token.
pub struct Tokens {
    keys: Keys,
    issuer: String,
    audience: String,
    verified: Cache<TokenHash, Verified>,
}

/// A token's SHA-256. The cache holds no token that could be stolen from it. Nobody can choose a hash byte by
/// byte, so the time of a look-up does not help to guess a token. A token that is found was presented with
/// every byte that was verified, its signature included.
type TokenHash = [u8; 32];

/// The claims of a token whose signature was verified.
#[derive(Clone)]
struct Verified {
    caller: Caller,
    expires_at: DateTime<Utc>,
    /// In seconds since 1970.
    not_before: Option<f64>,
}

impl Verified {
    /// Without leeway: close to its start and end, a token is verified in full.
    fn holds_at(&self, now: DateTime<Utc>) -> bool {
        let has_begun = self.not_before.is_none_or(|begin| begin <= now.timestamp() as f64);
        has_begun && now < self.expires_at
    }
}

enum Keys {
    Shared { verifying: DecodingKey, signing: EncodingKey, validation: Validation },
}

impl Tokens {
    /// HS256 with a shared secret.
    pub fn shared(secret: &Secret, issuer: &str, audience: &str) -> Self {
        hmac::install();
        let keys = Keys::Shared {
            verifying: DecodingKey::from_secret(secret.expose_bytes()),
            signing: EncodingKey::from_secret(secret.expose_bytes()),
            validation: validation(Algorithm::HS256, issuer, audience),
        };
        let verified = Cache::new(REMEMBERED);
        Tokens { keys, issuer: issuer.to_owned(), audience: audience.to_owned(), verified }
    }

    /// The caller that a token is for, and when it expires. The signature and the claims are verified once,
    /// the time at each use.
    pub fn verify(&self, token: &str) -> Result<(Caller, DateTime<Utc>), Unauthenticated> {
        let hash = Sha256::digest(token).into();
        let verified = match self.recall(&hash, Utc::now()) {
            Some(verified) => verified,
            None => {
                let verified = self.decode(token)?;
                self.verified.insert(hash, verified.clone());
                verified
            }
        };
        Ok((verified.caller, verified.expires_at))
    }

    /// The cached claims of a token that is valid now.
    fn recall(&self, hash: &TokenHash, now: DateTime<Utc>) -> Option<Verified> {
        let verified = self.verified.get(hash)?;
        if verified.holds_at(now) {
            return Some(verified);
        }
        self.verified.remove(hash);
        None
    }

    fn decode(&self, token: &str) -> Result<Verified, Unauthenticated> {
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
        Ok(Verified { caller, expires_at, not_before: claims.nbf })
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
            nbf: None,
            iat: Some(now.timestamp()),
        };
        Ok(encode(&Header::new(Algorithm::HS256), &claims, signing)?)
    }
}

/// What is checked of every token besides its signature.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::shared(&Secret::new("a secret of more than thirty-two bytes"), "shop", "api")
    }

    fn hash(token: &str) -> TokenHash {
        Sha256::digest(token).into()
    }

    fn minute() -> Duration {
        Duration::from_secs(60)
    }

    #[test]
    fn a_token_is_remembered_until_it_ends_and_not_longer() {
        let (tokens, now) = (tokens(), Utc::now());
        let token = tokens.issue("ada", Role::Customer, minute(), now).unwrap();
        let (caller, expires_at) = tokens.verify(&token).unwrap();
        let last = expires_at - TimeDelta::milliseconds(1);
        assert_eq!(tokens.recall(&hash(&token), last).unwrap().caller, caller);
        assert!(tokens.recall(&hash(&token), expires_at).is_none());
        assert!(tokens.recall(&hash(&token), now).is_none(), "it is forgotten");
        assert_eq!(tokens.verify(&token), Ok((caller, expires_at)));
    }

    #[test]
    fn an_expired_token_is_refused_though_it_is_remembered() {
        let tokens = tokens();
        let token = tokens
            .issue("ada", Role::Customer, minute(), Utc::now() - TimeDelta::hours(1))
            .unwrap();
        let caller = Caller::Customer { id: CustomerId::new("shop", "ada") };
        let expires_at = Utc::now() - TimeDelta::minutes(59);
        let verified = Verified { caller, expires_at, not_before: None };
        tokens.verified.insert(hash(&token), verified);
        assert_eq!(tokens.verify(&token), Err(Unauthenticated::TokenExpired));
        assert!(tokens.verified.is_empty());
    }

    #[test]
    fn a_remembered_token_does_not_count_before_its_time() {
        let (tokens, now) = (tokens(), Utc::now());
        let token = tokens.issue("ada", Role::Customer, minute(), now).unwrap();
        let mut verified = tokens.decode(&token).unwrap();
        verified.not_before = Some((now.timestamp() + 1) as f64);
        tokens.verified.insert(hash(&token), verified);
        assert!(tokens.recall(&hash(&token), now).is_none());
    }

    #[test]
    fn a_tampered_token_is_neither_found_nor_remembered() {
        let tokens = tokens();
        let token = tokens.issue("ada", Role::Customer, minute(), Utc::now()).unwrap();
        tokens.verify(&token).unwrap();
        for at in 0..token.len() {
            let mut tampered = token.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            let refused = tokens.verify(&tampered);
            assert!(matches!(refused, Err(Unauthenticated::TokenInvalid(_))), "{at}: {refused:?}");
        }
        assert_eq!(tokens.verified.len(), 1);
    }
}
