//! The errors of the configuration. Each is one sentence that names the setting and the remedy.

use std::fmt;
use std::path::PathBuf;

use crate::auth::ApiKeysError;
use crate::secret::MIN_BYTES;

/// An error of one setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "CARTULARY_LISTEN: {text:?} is not an address to listen on: {reason}; write host:port, such as 127.0.0.1:8080"
    )]
    Listen { text: String, reason: &'static str },
    #[error("DATABASE_URL: {0}")]
    DatabaseUrl(event_store::DatabaseUrlError),
    #[error(
        "CARTULARY_DATA_DIR {path}: {source}; name a directory that exists or can be created, and that \
         this user can write to"
    )]
    DataDir { path: PathBuf, source: std::io::Error },
    #[error("{0} is not set; in production, set it to at least {MIN_BYTES} random bytes")]
    MissingSecret(&'static str),
    #[error("{0} is weak; in production, set it to at least {MIN_BYTES} random bytes")]
    WeakSecret(&'static str),
    #[error(
        "{variable} is not set, and the secret stored in {path} is too short; delete the file, so that \
         another one is generated"
    )]
    StoredSecret { variable: &'static str, path: PathBuf },
    #[error(
        "there is no payment provider: set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET; \
         CARTULARY_SIMULATOR_WEBHOOK_SECRET is not set either, which would choose the simulator"
    )]
    NoPaymentProvider,
    #[error("{0} is not set, but other settings of Stripe are; set all of them or none")]
    IncompleteStripe(&'static str),
    #[error(
        "STRIPE_SECRET_KEY is not a secret or restricted key of Stripe, which begins with sk_ or rk_"
    )]
    StripeKey,
    #[error("STRIPE_API_BASE: {0} is not an https URL (or an http URL of this machine)")]
    StripeBase(String),
    #[error("API_KEYS_FILE {path}: {source}")]
    ApiKeys { path: PathBuf, source: ApiKeysError },
    #[error("CORS_ORIGINS: {0:?} is not an origin such as https://shop.example (no path, no *)")]
    Origin(String),
    #[error("CARTULARY_CART_IDLE must be from 1s to 3650d, in whole seconds")]
    CartIdle,
    #[error("CARTULARY_RESERVATION must be longer than 0 and at most CARTULARY_RESERVATION_CAP")]
    Reservation,
    #[error("{0} must be longer than 0, such as {1}")]
    ZeroDuration(&'static str, &'static str),
    #[error(
        "CARTULARY_TAX_RATES: {0:?} is not a rate such as US=10.75 (percent from 0 to 100, * for all others)"
    )]
    TaxRate(String),
    #[error(
        "CARTULARY_SHIPPING: {0:?} is not a price such as USD=644 or USD=644:10000 (in minor units)"
    )]
    Shipping(String),
    #[error("SMTP_URL: {0}")]
    SmtpUrl(commands::mail::BadSmtpUrl),
    #[error("CARTULARY_MAIL_BACKOFF must be longer than 0 and at most 1d")]
    MailBackoff,
    #[error("{variable}: {text:?} is not a mailbox; write one such as Shop <shop@example.com>")]
    Mailbox { variable: &'static str, text: String },
    #[error("NATS_URL: {0}")]
    NatsUrl(commands::relay::BadNatsUrl),
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0} is not an http or https URL without a query")]
    OtlpEndpoint(String),
    #[error("{0} must not be empty")]
    Empty(&'static str),
    #[error("RUST_LOG: {0}; write a filter such as info,cartulary=debug")]
    LogFilter(String),
}

/// All errors of the configuration, so that one start shows them all.
#[derive(Debug)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [error] = self.0.as_slice() {
            return write!(f, "{error}");
        }
        write!(f, "{} settings cannot be used:", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  - {error}"))
    }
}

impl std::error::Error for ConfigErrors {}
