//! A thousand customers, each with a token, a cart and some favourite products; buyers, who place
//! orders; and the staff.

use api::auth::{Role, Tokens};
use api::secret::Secret;
use chrono::Utc;

use super::request::{RequestTemplate, templates};
use super::shopper::{ISSUER, SKUS, SKUS_PER_CART, Shopper, TOKEN_TTL, sku};
use crate::error::BenchError;

pub const SHOPPERS: usize = 1_000;

/// All shoppers, with prepared requests for those who only fill carts.
#[derive(Debug)]
pub struct Shoppers {
    pub all: Vec<Shopper>,
    pub requests: Vec<Vec<RequestTemplate>>,
    /// Shoppers who place orders, each once a round.
    pub buyers: Vec<Shopper>,
    /// The token of an admin.
    pub admin: String,
    /// The token of a support agent.
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
