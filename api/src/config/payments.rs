//! The payment provider: Stripe, or the simulator.

use std::fmt;

use commands::payments::STRIPE_API;

use super::secrets::{SIMULATOR_WEBHOOK, Source};
use super::{ConfigError, Environment};
use crate::secret::{Secret, masked_url};

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

/// The settings of an account at Stripe.
#[derive(Debug, Clone)]
pub struct StripeAccount {
    pub secret_key: Secret,
    /// The signing secret of the endpoint that Stripe sends its webhooks to.
    pub webhook_secret: Secret,
    /// The URL of the API. Secret, because it may hold a password.
    pub api_base: Secret,
}

/// Chooses Stripe if any setting of Stripe is set, and the simulator otherwise. In production the simulator must be
/// chosen on purpose, by setting its own secret. Returns `None` if there are errors.
pub(super) fn read(source: &Source<'_>, errors: &mut Vec<ConfigError>) -> Option<Payments> {
    let read = |name| (source.variable)(name).filter(|value| !value.is_empty());
    let given = (read(KEY), read(WEBHOOK_SECRET), read(BASE));
    let is_production = source.environment == Environment::Production;
    match given {
        (None, None, None) if is_production && read(SIMULATOR_WEBHOOK.variable).is_none() => {
            errors.push(ConfigError::NoPaymentProvider);
            None
        }
        (None, None, None) => source
            .get(SIMULATOR_WEBHOOK, errors)
            .map(|webhook_secret| Payments::Simulated { webhook_secret }),
        (key, webhook_secret, base) => read_stripe(key, webhook_secret, base, errors),
    }
}

fn read_stripe(
    key: Option<String>,
    webhook_secret: Option<String>,
    base: Option<String>,
    errors: &mut Vec<ConfigError>,
) -> Option<Payments> {
    let before = errors.len();
    for (name, value) in [(KEY, &key), (WEBHOOK_SECRET, &webhook_secret)] {
        if value.is_none() {
            errors.push(ConfigError::IncompleteStripe(name));
        }
    }
    let is_key = |key: &String| ["sk_", "rk_"].iter().any(|prefix| key.starts_with(prefix));
    if !key.as_ref().is_none_or(is_key) {
        errors.push(ConfigError::StripeKey);
    }
    let base = base.unwrap_or_else(|| STRIPE_API.to_owned());
    if !is_base_url(&base) {
        errors.push(ConfigError::StripeBase(masked_url(&base)));
    }
    let account = StripeAccount {
        secret_key: Secret::new(key?),
        webhook_secret: Secret::new(webhook_secret?),
        api_base: Secret::new(base),
    };
    (errors.len() == before).then_some(Payments::Stripe(account))
}

/// Whether this URL can be the base of Stripe's API. The secret key is sent with every request, so a URL without TLS
/// must be one of this machine.
fn is_base_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<axum::http::Uri>() else { return false };
    let is_local = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    match uri.scheme_str() {
        Some("https") => uri.host().is_some() && uri.query().is_none(),
        Some("http") => is_local && uri.query().is_none(),
        _ => false,
    }
}

/// Prints one line per setting, with the name of its variable. Secrets are masked.
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
