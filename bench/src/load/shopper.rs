//! A customer with a token, a cart and some favourite products of their own.

use std::time::Duration;

use api::auth::{Role, Tokens};
use chrono::Utc;
use domain::{CartId, CustomerId};
use uuid::Uuid;

use crate::error::BenchError;

/// Number of different products in one cart, once each favourite was added.
pub const SKUS_PER_CART: usize = 3;
/// Number of products in the catalogue.
pub(super) const SKUS: usize = 50;

pub(super) const ISSUER: &str = "cartulary";
pub(super) const TOKEN_TTL: Duration = Duration::from_secs(8 * 3600);

/// A customer with a cart.
#[derive(Debug)]
pub struct Shopper {
    pub customer: CustomerId,
    pub token: String,
    pub cart: CartId,
    /// The number of the first of the shopper's favourite products.
    pub favourites: usize,
    /// The namespace in which the shopper's idempotency keys become command ids.
    keys: Uuid,
}

impl Shopper {
    pub(super) fn new(
        tokens: &Tokens,
        name: &str,
        favourites: usize,
    ) -> Result<Shopper, BenchError> {
        let customer = CustomerId::new(ISSUER, name);
        let actor = format!("customer:{customer}");
        Ok(Shopper {
            customer,
            token: tokens.issue(name, Role::Customer, TOKEN_TTL, Utc::now())?,
            cart: CartId::of_customer(customer, 1),
            favourites,
            keys: Uuid::new_v5(&Uuid::NAMESPACE_OID, actor.as_bytes()),
        })
    }

    /// The id under which the log stores a command of this shopper.
    pub fn command_id(&self, key: Uuid) -> Uuid {
        Uuid::new_v5(&self.keys, key.to_string().as_bytes())
    }
}

/// The SKU of this number; the numbers wrap around.
pub fn sku(number: usize) -> String {
    format!("BENCH-{:02}", number % SKUS)
}
