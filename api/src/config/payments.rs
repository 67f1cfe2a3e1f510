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

#[derive(Debug, Clone)]
pub struct StripeAccount {
    pub secret_key: Secret,
    /// The signing secret of the endpoint that Stripe sends its webhooks to.
    pub webhook_secret: Secret,
    /// The URL of the API. Secret, because it may hold a password.
    pub api_base: Secret,
}

/// Stripe if any setting of Stripe is there, otherwise the simulator; in production the simulator only if
/// its own secret is set, which is not done by accident. `None` if there are errors.
pub(super) fn read(source: &Source<'_>, errors: &mut Vec<ConfigError>) -> Option<Payments> {
    let set = |name| (source.variable)(name).filter(|value| !value.is_empty());
    let given = (set(KEY), set(WEBHOOK_SECRET), set(BASE));
    let production = source.environment == Environment::Production;
    match given {
        (None, None, None) if production && set(SIMULATOR_WEBHOOK.variable).is_none() => {
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
    if !is_base(&base) {
        errors.push(ConfigError::StripeBase(masked_url(&base)));
    }
    let account = StripeAccount {
        secret_key: Secret::new(key?),
        webhook_secret: Secret::new(webhook_secret?),
        api_base: Secret::new(base),
    };
    (errors.len() == before).then_some(Payments::Stripe(account))
}

/// The key is sent with every request, so without TLS only to this machine.
fn is_base(text: &str) -> bool {
    let Ok(uri) = text.parse::<axum::http::Uri>() else { return false };
    let local = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    match uri.scheme_str() {
        Some("https") => uri.host().is_some() && uri.query().is_none(),
        Some("http") => local && uri.query().is_none(),
        _ => false,
    }
}

/// One line per setting, by the name of its variable; secrets masked.
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
