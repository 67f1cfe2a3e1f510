//! Cart tokens, the only credentials of guests: the id of a cart with a signature.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::CartId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::Unauthenticated;
use crate::secret::Secret;

const ID_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// Issues and verifies cart tokens. A token is base64url(cart id ‖ HMAC-SHA256 of the cart id).
#[derive(Clone)]
pub struct CartTokens {
    mac: Hmac<Sha256>,
}

impl CartTokens {
    pub fn new(secret: &Secret) -> Self {
        // The prefix separates this use of the secret from any other.
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_bytes());
        let mut mac = mac.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(b"cartulary cart token v1:");
        CartTokens { mac }
    }

    /// Issues the token that `cartCreate` returns to a guest.
    pub fn issue(&self, cart: CartId) -> String {
        let mut bytes = cart.0.as_bytes().to_vec();
        bytes.extend_from_slice(
            &self.mac.clone().chain_update(cart.0.as_bytes()).finalize().into_bytes(),
        );
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Verifies a token and returns its cart. Signatures are compared in constant time.
    pub fn verify(&self, token: &[u8]) -> Result<CartId, Unauthenticated> {
        let bytes =
            BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| Unauthenticated::CartTokenInvalid)?;
        let bytes: [u8; ID_BYTES + TAG_BYTES] =
            bytes.try_into().map_err(|_| Unauthenticated::CartTokenInvalid)?;
        let (id, tag) = bytes.split_at(ID_BYTES);
        let signed = self.mac.clone().chain_update(id).verify_slice(tag);
        let id = Uuid::from_slice(id).map_err(|_| Unauthenticated::CartTokenInvalid)?;
        signed.map(|()| CartId(id)).map_err(|_| Unauthenticated::CartTokenInvalid)
    }
}

impl std::fmt::Debug for CartTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CartTokens(***)")
    }
}
