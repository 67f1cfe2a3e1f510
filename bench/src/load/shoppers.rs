//! A thousand customers, each with a token, a cart and some favourite products of their own; others who
//! order what is in theirs; and the people who run the shop.

use api::auth::{Role, Tokens};
use api::secret::Secret;
use chrono::Utc;

use super::request::{Template, templates};
use super::shopper::{ISSUER, SKUS, SKUS_PER_CART, Shopper, TOKEN_TTL, sku};
use crate::error::BenchError;

pub const SHOPPERS: usize = 1_000;

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

pub fn skus() -> impl Iterator<Item = String> {
    (0..SKUS).map(sku)
}
