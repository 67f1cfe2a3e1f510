//! What the server is told: flags, environment, generated secrets, checked as a whole.

mod api_keys;
mod charges;
pub mod duration;
mod mail;
mod nats;
mod options;
mod payments;
mod secrets;
#[cfg(test)]
mod tests;
mod traces;

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;

pub use api_keys::{ApiKey, ApiKeysError};
pub use charges::ChargesByCountry;
pub use mail::Mail;
pub use nats::Nats;
pub use options::{Environment, Options};
pub use payments::{Payments, StripeAccount};
pub use secrets::{MIN_BYTES, Secrets};
pub use traces::Traces;

use crate::graphql_http::Limits;
use crate::secret::Secret;

/// The effective configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub environment: Environment,
    /// Host and port to serve on.
    pub listen: String,
    /// Holds the private Postgres and what was generated.
    pub data_dir: PathBuf,
    /// The Postgres to use; `None` for the private one.  Secret, as it may hold a password.
    pub database_url: Option<Secret>,
    /// Whether an empty shop gets the demo catalogue.
    pub demo: bool,
    /// Whether the schema may be looked at.
    pub introspection: bool,
    /// Whether the demo shop and the console are served.
    pub pages: bool,
    pub jwt_issuer: String,
    pub jwt_audience: String,
    pub secrets: Secrets,
    pub payments: Payments,
    pub api_keys: Vec<ApiKey>,
    pub cors: Cors,
    /// How long a cart lasts without a touch, in whole seconds.
    pub cart_idle: Duration,
    /// How long stock is kept for an order that is not paid.
    pub reservation: Duration,
    /// The longest that payment attempts may stretch it to.
    pub reservation_cap: Duration,
    /// For how long an authorisation is taken to hold where the provider does not say.
    pub authorization: Duration,
    /// The first wait before a silent payment provider is asked again.
    pub payment_retry: Duration,
    /// Tax and shipping.
    pub charges: ChargesByCountry,
    pub mail: Mail,
    /// The broker that is told of events, if there is one.
    pub nats: Option<Nats>,
    pub traces: Traces,
    pub limits: Limits,
    /// The log's filter.
    pub log: String,
}

/// Whose pages may call this server.
#[derive(Debug, Clone, PartialEq)]
pub enum Cors {
    Nobody,
    /// Any port of localhost: a frontend's development server.
    Localhost,
    Origins(Vec<HeaderValue>),
}

/// What is wrong with one setting.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0} is not set; in production it must be, to at least {MIN_BYTES} random bytes")]
    MissingSecret(&'static str),
    #[error("{0} is weak: in production it must have at least {MIN_BYTES} bytes")]
    WeakSecret(&'static str),
    #[error("{variable} is not set, and none could be kept in {path}: {source}")]
    Secret { variable: &'static str, path: PathBuf, source: std::io::Error },
    #[error(
        "who takes the money? STRIPE_SECRET_KEY is not set, and CARTULARY_SIMULATOR_WEBHOOK_SECRET \
         is not set either, which would ask for the simulator"
    )]
    NoPayments,
    #[error("{0} is not set, but others of Stripe's settings are")]
    HalfStripe(&'static str),
    #[error("STRIPE_SECRET_KEY is no secret or restricted key: those begin with sk_ or rk_")]
    StripeKey,
    #[error("STRIPE_API_BASE: {0} is no https URL (or http, on this machine)")]
    StripeBase(String),
    #[error("API_KEYS_FILE {path}: {source}")]
    ApiKeys { path: PathBuf, source: ApiKeysError },
    #[error("CORS_ORIGINS: {0:?} is no origin such as https://shop.example (no path, no *)")]
    Origin(String),
    #[error("CARTULARY_CART_IDLE must be from 1s to 3650d, in whole seconds")]
    CartIdle,
    #[error("CARTULARY_RESERVATION must be longer than 0 and at most CARTULARY_RESERVATION_CAP")]
    Reservation,
    #[error("CARTULARY_AUTHORIZATION and CARTULARY_PAYMENT_RETRY must be longer than 0")]
    PaymentTimes,
    #[error("CARTULARY_TAX_RATES or CARTULARY_SHIPPING: {0:?} makes no sense; see --help")]
    Charges(String),
    #[error("SMTP_URL: {0}")]
    SmtpUrl(commands::mail::BadSmtpUrl),
    #[error("CARTULARY_MAIL_TIMEOUT must be longer than 0")]
    MailTimeout,
    #[error("CARTULARY_MAIL_BACKOFF must be longer than 0 and at most a day")]
    MailBackoff,
    #[error("{variable}: {text:?} is nobody's, such as Shop <shop@example.com>")]
    Mailbox { variable: &'static str, text: String },
    #[error("NATS_URL: {0}")]
    NatsUrl(commands::relay::BadNatsUrl),
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0} is no http or https URL without a query")]
    OtlpEndpoint(String),
    #[error("{0} must not be empty")]
    Empty(&'static str),
    #[error("RUST_LOG is no filter: {0}")]
    Log(String),
}

/// How long a cart may be made to last.
const CART_IDLE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3_650 * 24 * 3_600);

/// Everything wrong with the configuration, at once.
#[derive(Debug)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  - {fault}"))
    }
}

impl std::error::Error for Faults {}

impl Config {
    /// Checks the options and finds the secrets; `variable` looks up the environment.
    ///
    /// # Errors
    /// All faults together, so that one start shows them all.
    pub fn load(
        options: &Options,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Config, Faults> {
        let mut faults = Vec::new();
        let source = secrets::Source {
            environment: options.environment,
            data_dir: &options.data_dir,
            variable: &variable,
        };
        let secrets = source.secrets(&mut faults);
        let payments = payments::payments(&source, &mut faults);
        let api_keys = read_api_keys(options, &mut faults);
        let cors = cors(options, &mut faults);
        let charges = charges(options, &mut faults);
        let mail = mail::read(options, &mut faults);
        let nats = nats::read(options, &mut faults);
        let traces = traces::read(options, &mut faults);
        check(options, &mut faults);
        match (secrets, payments) {
            (Some(secrets), Some(payments)) if faults.is_empty() => {
                let config = assemble(options, secrets, payments, api_keys, cors);
                Ok(Config { charges, mail, nats, traces, ..config })
            }
            _ => Err(Faults(faults)),
        }
    }

    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

fn assemble(
    options: &Options,
    secrets: Secrets,
    payments: Payments,
    api_keys: Vec<ApiKey>,
    cors: Cors,
) -> Config {
    Config {
        environment: options.environment,
        listen: options.listen.clone(),
        data_dir: options.data_dir.clone(),
        database_url: options.database_url.clone().filter(|url| !url.is_empty()).map(Secret::new),
        demo: !options.no_demo,
        introspection: options.introspection || options.environment == Environment::Development,
        pages: options.pages || options.environment == Environment::Development,
        jwt_issuer: options.jwt_issuer.clone(),
        jwt_audience: options.jwt_audience.clone(),
        secrets,
        payments,
        api_keys,
        cors,
        cart_idle: options.cart_idle,
        reservation: options.reservation,
        reservation_cap: options.reservation_cap,
        authorization: options.authorization,
        payment_retry: options.payment_retry,
        charges: ChargesByCountry::default(),
        mail: Mail::into_folder(),
        nats: None,
        traces: Traces::off(),
        limits: options.limits.clone(),
        log: options.log.clone(),
    }
}

fn read_api_keys(options: &Options, faults: &mut Vec<Fault>) -> Vec<ApiKey> {
    let Some(path) = options.api_keys_file.as_ref().filter(|path| !path.as_os_str().is_empty())
    else {
        return Vec::new();
    };
    api_keys::read(path).unwrap_or_else(|source| {
        faults.push(Fault::ApiKeys { path: path.clone(), source });
        Vec::new()
    })
}

fn charges(options: &Options, faults: &mut Vec<Fault>) -> ChargesByCountry {
    let Options { tax_mode, tax_rates, shipping, .. } = options;
    ChargesByCountry::parse((*tax_mode).into(), tax_rates, shipping).unwrap_or_else(|part| {
        faults.push(Fault::Charges(part));
        ChargesByCountry::default()
    })
}

fn cors(options: &Options, faults: &mut Vec<Fault>) -> Cors {
    let text = options.cors_origins.as_deref().unwrap_or_default();
    let mut origins = Vec::new();
    for origin in text.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
        match HeaderValue::from_str(origin) {
            Ok(value) if is_origin(origin) => origins.push(value),
            _ => faults.push(Fault::Origin(origin.to_owned())),
        }
    }
    match options.environment {
        _ if !origins.is_empty() => Cors::Origins(origins),
        Environment::Development => Cors::Localhost,
        Environment::Production => Cors::Nobody,
    }
}

/// A scheme and a host: an origin with a path would never match what browsers send.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    })
}

fn check(options: &Options, faults: &mut Vec<Fault>) {
    if options.cart_idle.subsec_nanos() > 0 || !CART_IDLE.contains(&options.cart_idle) {
        faults.push(Fault::CartIdle);
    }
    if options.reservation.is_zero() || options.reservation > options.reservation_cap {
        faults.push(Fault::Reservation);
    }
    if options.authorization.is_zero() || options.payment_retry.is_zero() {
        faults.push(Fault::PaymentTimes);
    }
    for (name, value) in [
        ("JWT_ISSUER", &options.jwt_issuer),
        ("JWT_AUDIENCE", &options.jwt_audience),
        ("CARTULARY_SHOP_NAME", &options.shop_name),
        ("OTEL_SERVICE_NAME", &options.otel_service),
    ] {
        if value.is_empty() {
            faults.push(Fault::Empty(name));
        }
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&options.log) {
        faults.push(Fault::Log(error.to_string()));
    }
}

/// One line per setting, by the name of its variable; secrets masked.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Secrets { jwt, cart_token } = &self.secrets;
        let database =
            self.database_url.as_ref().map_or("(private)".into(), |url| masked_url(url.expose()));
        let keys: Vec<_> =
            self.api_keys.iter().map(|key| format!("{}:{}", key.name, key.role)).collect();
        writeln!(f, "CARTULARY_ENV={}", self.environment.as_str())?;
        writeln!(f, "CARTULARY_LISTEN={}", self.listen)?;
        writeln!(f, "CARTULARY_DATA_DIR={}", self.data_dir.display())?;
        writeln!(f, "CARTULARY_NO_DEMO={}", !self.demo)?;
        writeln!(f, "CARTULARY_INTROSPECTION={}", self.introspection)?;
        writeln!(f, "CARTULARY_PAGES={}", self.pages)?;
        writeln!(f, "DATABASE_URL={database}")?;
        writeln!(f, "JWT_ISSUER={}", self.jwt_issuer)?;
        writeln!(f, "JWT_AUDIENCE={}", self.jwt_audience)?;
        writeln!(f, "JWT_SECRET={jwt}")?;
        writeln!(f, "CARTULARY_CART_TOKEN_SECRET={cart_token}")?;
        write!(f, "{}", self.payments)?;
        writeln!(f, "API_KEYS={}", keys.join(","))?;
        writeln!(f, "CORS_ORIGINS={}", self.cors)?;
        writeln!(f, "CARTULARY_CART_IDLE={}", duration::format(self.cart_idle))?;
        writeln!(f, "CARTULARY_RESERVATION={}", duration::format(self.reservation))?;
        writeln!(f, "CARTULARY_RESERVATION_CAP={}", duration::format(self.reservation_cap))?;
        writeln!(f, "CARTULARY_AUTHORIZATION={}", duration::format(self.authorization))?;
        writeln!(f, "CARTULARY_PAYMENT_RETRY={}", duration::format(self.payment_retry))?;
        write!(f, "{}{}", self.charges, self.mail)?;
        nats::write(self.nats.as_ref(), f)?;
        write!(f, "{}", self.traces)?;
        writeln!(f, "RUST_LOG={}", self.log)?;
        write!(f, "{}", self.limits)
    }
}

impl fmt::Display for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cors::Nobody => f.write_str("(none)"),
            Cors::Localhost => f.write_str("(localhost)"),
            Cors::Origins(origins) => {
                let origins: Vec<_> =
                    origins.iter().filter_map(|origin| origin.to_str().ok()).collect();
                f.write_str(&origins.join(","))
            }
        }
    }
}

/// A URL without its password and its parameters, either of which may be secret.
pub fn masked_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    // A password may hold an `@` or a `/`, so everything up to the last `@` is taken for credentials.
    let (credentials, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user = credentials.split(':').next().unwrap_or_default();
    match (scheme, credentials) {
        ("", _) => "***".to_owned(),
        (_, "") => format!("{scheme}://{place}"),
        _ => format!("{scheme}://{user}:***@{place}"),
    }
}
