//! HMAC for `jsonwebtoken`: HS256, HS384 and HS512.
//!
//! The library's own providers also contain RSA and three elliptic curves, which would be compiled but never used. If
//! public keys are added, use a provider based on `ring`, which is compiled already for TLS.

use ::hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, Result};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sha2::{Sha256, Sha384, Sha512};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `jsonwebtoken` use this module. It must be called before the first token is signed or verified; later
/// calls change nothing.
pub(super) fn install() {
    // An error means that a provider was installed before, and nothing has to be done.
    let _ = PROVIDER.install_default();
}

/// A key of one algorithm. `H` holds the state of the HMAC after the key.
struct Key<H> {
    algorithm: Algorithm,
    hmac: H,
}

impl<H: Mac + KeyInit> Key<H> {
    fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Key<H>> {
        let hmac = <H as KeyInit>::new_from_slice(secret);
        let hmac = hmac.map_err(|_| Error::from(ErrorKind::InvalidKeyFormat))?;
        Ok(Key { algorithm, hmac })
    }
}

impl<H: Mac + Clone> Signer<Vec<u8>> for Key<H> {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.hmac.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl<H: Mac + Clone> Verifier<Vec<u8>> for Key<H> {
    /// Compares in constant time.
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), signature::Error> {
        let hmac = self.hmac.clone().chain_update(message);
        hmac.verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl<H: Mac + Clone> JwtSigner for Key<H> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl<H: Mac + Clone> JwtVerifier for Key<H> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let secret = key.as_bytes();
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Key::<Hmac<Sha256>>::new(*algorithm, secret)?),
        Algorithm::HS384 => Box::new(Key::<Hmac<Sha384>>::new(*algorithm, secret)?),
        Algorithm::HS512 => Box::new(Key::<Hmac<Sha512>>::new(*algorithm, secret)?),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let secret = key.try_get_as_bytes()?;
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Key::<Hmac<Sha256>>::new(*algorithm, secret)?),
        Algorithm::HS384 => Box::new(Key::<Hmac<Sha384>>::new(*algorithm, secret)?),
        Algorithm::HS512 => Box::new(Key::<Hmac<Sha512>>::new(*algorithm, secret)?),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::{sign, verify};

    use super::*;

    /// The example of RFC 7515, appendix A.1.
    const KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";
    const MESSAGE: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[test]
    fn hs256_signs_as_the_standard_does() {
        install();
        let signing = EncodingKey::from_urlsafe_base64_secret(KEY).unwrap();
        let verifying = DecodingKey::from_secret(signing.as_bytes());
        let signed = sign(MESSAGE.as_bytes(), &signing, Algorithm::HS256).unwrap();
        assert_eq!(signed, SIGNATURE);
        let holds = |message: &str, algorithm| {
            verify(SIGNATURE, message.as_bytes(), &verifying, algorithm).unwrap()
        };
        assert!(holds(MESSAGE, Algorithm::HS256));
        assert!(!holds("another message", Algorithm::HS256));
        assert!(!holds(MESSAGE, Algorithm::HS512));
    }

    #[test]
    fn other_algorithms_are_refused() {
        install();
        let key = EncodingKey::from_secret(b"a secret");
        let refused = sign(b"message", &key, Algorithm::RS256).unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::InvalidAlgorithm));
    }
}
