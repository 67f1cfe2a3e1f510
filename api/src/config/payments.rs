//! Who takes the money: Stripe, or the simulator.

use std::fmt;

use commands::payments::STRIPE_API;

use super::secrets::{SIMULATOR_WEBHOOK, Source};
use super::{Environment, Fault, masked_url};
use crate::secret::Secret;

const KEY: &str = "STRIPE_SECRET_KEY";
const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";
const BASE: &str = "STRIPE_API_BASE";

/// The payment provider.
#[derive(Debug, Clone)]
pub enum Payments {
    Simulated {
        /// Signs the simulator's webhooks.
        webhook_secret: Secret,
    },
    Stripe(StripeAccount),
}

#[derive(Debug, Clone)]
pub struct StripeAccount {
    pub secret_key: Secret,
    /// Of the endpoint that Stripe sends its webhooks to.
    pub webhook_secret: Secret,
    /// Where the API is served; it may hold a password, as any URL may.
    pub api_base: Secret,
}

/// Stripe where it is configured, and the simulator otherwise; in production only if the simulator's
/// own secret is set, which nobody does by accident. `None` when there are faults.
pub(super) fn payments(source: &Source<'_>, faults: &mut Vec<Fault>) -> Option<Payments> {
    let set = |name| (source.variable)(name).filter(|value| !value.is_empty());
    let given = (set(KEY), set(WEBHOOK_SECRET), set(BASE));
    let production = source.environment == Environment::Production;
    match given {
        (None, None, None) if production && set(SIMULATOR_WEBHOOK.variable).is_none() => {
            faults.push(Fault::NoPayments);
            None
        }
        (None, None, None) => match source.get(SIMULATOR_WEBHOOK) {
            Ok(webhook_secret) => Some(Payments::Simulated { webhook_secret }),
            Err(fault) => {
                faults.push(fault);
                None
            }
        },
        (key, webhook_secret, base) => stripe(key, webhook_secret, base, faults),
    }
}

fn stripe(
    key: Option<String>,
    webhook_secret: Option<String>,
    base: Option<String>,
    faults: &mut Vec<Fault>,
) -> Option<Payments> {
    let before = faults.len();
    for (name, value) in [(KEY, &key), (WEBHOOK_SECRET, &webhook_secret)] {
        if value.is_none() {
            faults.push(Fault::HalfStripe(name));
        }
    }
    let is_key = |key: &String| ["sk_", "rk_"].iter().any(|prefix| key.starts_with(prefix));
    if !key.as_ref().is_none_or(is_key) {
        faults.push(Fault::StripeKey);
    }
    let base = base.unwrap_or_else(|| STRIPE_API.to_owned());
    if !is_base(&base) {
        faults.push(Fault::StripeBase(masked_url(&base)));
    }
    let account = StripeAccount {
        secret_key: Secret::new(key?),
        webhook_secret: Secret::new(webhook_secret?),
        api_base: Secret::new(base),
    };
    (faults.len() == before).then_some(Payments::Stripe(account))
}

/// The key travels with every request: in the clear only to this machine.
fn is_base(text: &str) -> bool {
    let Ok(uri) = text.parse::<axum::http::Uri>() else { return false };
    let local = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    match uri.scheme_str() {
        Some("https") => uri.host().is_some() && uri.query().is_none(),
        Some("http") => local && uri.query().is_none(),
        _ => false,
    }
}

/// As it is configured; secrets masked.
impl fmt::Display for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payments::Simulated { webhook_secret } => {
                writeln!(f, "{}={webhook_secret}", SIMULATOR_WEBHOOK.variable)
            }
            Payments::Stripe(StripeAccount { secret_key, webhook_secret, api_base }) => {
                writeln!(f, "{KEY}={secret_key}")?;
                writeln!(f, "{WEBHOOK_SECRET}={webhook_secret}")?;
                writeln!(f, "{BASE}={}", masked_url(api_base.expose()))
            }
        }
    }
}
