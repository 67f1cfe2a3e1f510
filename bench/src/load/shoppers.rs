//! A thousand customers, each with a token, a cart and some favourite products of their own.

use std::time::Duration;

use api::auth::{Role, Tokens};
use api::secret::Secret;
use chrono::Utc;
use domain::{CartId, CustomerId};
use uuid::Uuid;

use super::request::{Template, templates};
use crate::error::BenchError;

pub const SHOPPERS: usize = 1_000;
/// Different products in one cart, once everybody has been there often enough.
pub const SKUS_PER_CART: usize = 3;
const SKUS: usize = 50;

const ISSUER: &str = "cartulary";
const TOKEN_TTL: Duration = Duration::from_secs(8 * 3600);

/// Somebody with a cart.
#[derive(Debug)]
pub struct Shopper {
    pub token: String,
    pub cart: CartId,
    /// The number of the first of their products.
    pub favourites: usize,
    /// In which their idempotency keys become command ids.
    keys: Uuid,
}

impl Shopper {
    /// The id under which the log keeps a command of theirs.
    pub fn command_id(&self, key: Uuid) -> Uuid {
        Uuid::new_v5(&self.keys, key.to_string().as_bytes())
    }
}

/// All of them, with their requests ready to be sent.
#[derive(Debug)]
pub struct Shoppers {
    pub all: Vec<Shopper>,
    pub requests: Vec<Vec<Template>>,
    /// The token of the shop's owner.
    pub admin: String,
}

impl Shoppers {
    /// `secret` is the server's `JWT_SECRET`.
    pub fn new(secret: &str) -> Result<Shoppers, BenchError> {
        let tokens = Tokens::shared(&Secret::new(secret), ISSUER, ISSUER);
        let issue = |subject: &str, role| tokens.issue(subject, role, TOKEN_TTL, Utc::now());
        let shopper = |n: usize| {
            let subject = format!("shopper-{n}");
            let customer = CustomerId::new(ISSUER, &subject);
            let actor = format!("customer:{customer}");
            Ok(Shopper {
                token: issue(&subject, Role::Customer)?,
                cart: CartId::of_customer(customer, 1),
                favourites: n * SKUS_PER_CART,
                keys: Uuid::new_v5(&Uuid::NAMESPACE_OID, actor.as_bytes()),
            })
        };
        let all = (0..SHOPPERS).map(shopper).collect::<Result<Vec<_>, BenchError>>()?;
        let requests = all.iter().map(templates).collect();
        Ok(Shoppers { all, requests, admin: issue("owner", Role::Admin)? })
    }
}

/// What the shop sells.
pub fn sku(number: usize) -> String {
    format!("BENCH-{:02}", number % SKUS)
}

pub fn skus() -> impl Iterator<Item = String> {
    (0..SKUS).map(sku)
}
