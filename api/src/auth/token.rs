//! JSON web tokens. They are verified with a key whose algorithm is fixed, and issued for development.

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

/// The tolerated difference between two clocks. The library's default is a minute.
const LEEWAY_SECONDS: u64 = 5;

/// The number of verified tokens that are cached, of about 150 bytes each.
const CACHED_TOKENS: usize = 20_000;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// A token without a role belongs to a customer, because not every identity provider has roles.
    #[serde(default = "default_role")]
    role: Role,
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
}

/// One audience or several. The library checks that ours is among them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

fn default_role() -> Role {
    Role::Customer
}

/// Why no token can be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("--sub must not be empty; write the name of the person the token is for")]
    NoSubject,
    #[error("--ttl is too long; choose a shorter time, such as 8h")]
    Ttl,
    #[error("the token cannot be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// Verifies and issues tokens with one shared secret.
///
/// Public keys (RS256, ES256) would be a second variant of [`Keys`], chosen by the token's `kid`, with their own
/// `Validation`. The algorithm belongs to the key and is never taken from the token.
pub struct Tokens {
    keys: Keys,
    issuer: String,
    audience: String,
    verified: Cache<TokenHash, Verified>,
}

/// The SHA-256 of a token, so that no token can be stolen from the cache. An attacker cannot choose a hash byte by
/// byte, so the time of a look-up does not help to guess a token. Two tokens with the same hash are the same in every
/// byte, signature included.
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
    /// Whether the token is valid now. There is no leeway: close to its start and end, a token is verified in full.
    fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        let has_started = self.not_before.is_none_or(|start| start <= now.timestamp() as f64);
        has_started && now < self.expires_at
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
        let verified = Cache::new(CACHED_TOKENS);
        Tokens { keys, issuer: issuer.to_owned(), audience: audience.to_owned(), verified }
    }

    /// Verifies a token, and returns its caller and when it expires. The signature and the claims are verified once,
    /// the period of validity at each use.
    pub fn verify(&self, token: &str) -> Result<(Caller, DateTime<Utc>), Unauthenticated> {
        let hash = Sha256::digest(token).into();
        let verified = match self.find_cached(&hash, Utc::now()) {
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
    fn find_cached(&self, hash: &TokenHash, now: DateTime<Utc>) -> Option<Verified> {
        let verified = self.verified.get(hash)?;
        if verified.is_valid_at(now) {
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
            expires_at.ok_or(Unauthenticated::TokenInvalid("its claim exp is not a time"))?;
        let id = CustomerId::new(&claims.iss, &claims.sub);
        let caller = match claims.role {
            Role::Customer => Caller::Customer { id },
            Role::Support => Caller::Support { id: id.0 },
            Role::Admin => Caller::Admin { id: id.0 },
        };
        Ok(Verified { caller, expires_at, not_before: claims.nbf })
    }

    /// Signs a token for this subject.
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

/// The checks of every token besides that of its signature.
fn validation(algorithm: Algorithm, issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation
}

/// Says why the token is refused, without details that help to forge one.
fn refusal(kind: &ErrorKind) -> Unauthenticated {
    Unauthenticated::TokenInvalid(match kind {
        ErrorKind::ExpiredSignature => return Unauthenticated::TokenExpired,
        ErrorKind::ImmatureSignature => return Unauthenticated::TokenNotYetValid,
        ErrorKind::InvalidSignature => "its signature does not match",
        ErrorKind::InvalidIssuer => "its issuer is not the configured one",
        ErrorKind::InvalidAudience => "its audience is not the configured one",
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
    fn a_token_is_cached_until_it_expires() {
        let (tokens, now) = (tokens(), Utc::now());
        let token = tokens.issue("ada", Role::Customer, minute(), now).unwrap();
        let (caller, expires_at) = tokens.verify(&token).unwrap();
        let last = expires_at - TimeDelta::milliseconds(1);
        assert_eq!(tokens.find_cached(&hash(&token), last).unwrap().caller, caller);
        assert!(tokens.find_cached(&hash(&token), expires_at).is_none());
        assert!(tokens.find_cached(&hash(&token), now).is_none(), "it is removed from the cache");
        assert_eq!(tokens.verify(&token), Ok((caller, expires_at)));
    }

    #[test]
    fn an_expired_token_is_refused_although_it_is_cached() {
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
    fn a_cached_token_is_not_accepted_before_its_time() {
        let (tokens, now) = (tokens(), Utc::now());
        let token = tokens.issue("ada", Role::Customer, minute(), now).unwrap();
        let mut verified = tokens.decode(&token).unwrap();
        verified.not_before = Some((now.timestamp() + 1) as f64);
        tokens.verified.insert(hash(&token), verified);
        assert!(tokens.find_cached(&hash(&token), now).is_none());
    }

    #[test]
    fn a_tampered_token_is_neither_found_in_the_cache_nor_added_to_it() {
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
