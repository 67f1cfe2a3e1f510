//! A thousand customers, each with a token, a cart and some favourite products of their own; others who
//! order what is in theirs; and the people who run the shop.

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
    pub customer: CustomerId,
    pub token: String,
    pub cart: CartId,
    /// The number of the first of their products.
    pub favourites: usize,
    /// In which their idempotency keys become command ids.
    keys: Uuid,
}

impl Shopper {
    fn new(tokens: &Tokens, name: &str, favourites: usize) -> Result<Shopper, BenchError> {
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

    /// The id under which the log keeps a command of theirs.
    pub fn command_id(&self, key: Uuid) -> Uuid {
        Uuid::new_v5(&self.keys, key.to_string().as_bytes())
    }
}

/// All of them, with the requests of those who only fill carts ready to be sent.
#[derive(Debug)]
pub struct Shoppers {
    pub all: Vec<Shopper>,
    pub requests: Vec<Vec<Template>>,
    /// They place orders, all of them once a round.
    pub buyers: Vec<Shopper>,
    /// The token of the shop's owner.
    pub admin: String,
    /// The token of somebody at the desk.
    pub support: String,
}

impl Shoppers {
    /// `secret` is the server's `JWT_SECRET`.
    pub fn new(secret: &str, buyers: usize) -> Result<Shoppers, BenchError> {
        let tokens = Tokens::shared(&Secret::new(secret), ISSUER, ISSUER);
        let issue = |subject, role| tokens.issue(subject, role, TOKEN_TTL, Utc::now());
        let shopper = |n| Shopper::new(&tokens, &format!("shopper-{n}"), n * SKUS_PER_CART);
        let all = (0..SHOPPERS).map(shopper).collect::<Result<Vec<_>, _>>()?;
        let buyer = |n| Shopper::new(&tokens, &format!("buyer-{n}"), n);
        Ok(Shoppers {
            requests: all.iter().map(templates).collect(),
            all,
            buyers: (0..buyers).map(buyer).collect::<Result<Vec<_>, _>>()?,
            admin: issue("owner", Role::Admin)?,
            support: issue("desk", Role::Support)?,
        })
    }
}

/// What the shop sells.
pub fn sku(number: usize) -> String {
    format!("BENCH-{:02}", number % SKUS)
}

pub fn skus() -> impl Iterator<Item = String> {
    (0..SKUS).map(sku)
}
