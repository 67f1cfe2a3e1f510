//! The configuration: options, environment variables and generated secrets, checked together.

mod charges;
mod error;
mod limits;
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

pub use charges::ChargesByCountry;
pub use error::{ConfigError, ConfigErrors};
pub use limits::Limits;
pub use mail::Mail;
pub use nats::Nats;
pub use options::{Environment, Options};
pub use payments::{Payments, StripeAccount};
pub use traces::Traces;

use crate::auth::{self, ApiKey, AuthSettings};
use crate::duration;
use crate::secret::{Secret, masked_url};

/// The effective configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub environment: Environment,
    /// Host and port to listen on.
    pub listen: String,
    /// The directory of the private Postgres, of generated secrets and of mail.
    pub data_dir: PathBuf,
    /// The Postgres to use; `None` for the private one. Secret, because it may hold a password.
    pub database_url: Option<Secret>,
    /// Whether an empty shop gets the demo catalogue.
    pub demo: bool,
    /// Whether clients may read the schema.
    pub introspection: bool,
    /// Whether the demo shop and the console are served.
    pub pages: bool,
    pub auth: AuthSettings,
    pub payments: Payments,
    pub cors: Cors,
    /// A cart expires after this time without a change; in whole seconds.
    pub cart_idle: Duration,
    /// How long stock is reserved for an order that is not paid.
    pub reservation: Duration,
    /// The longest time, counted from placing the order, to which payments can extend a reservation.
    pub reservation_cap: Duration,
    /// How long an authorisation lasts if the payment provider does not say it.
    pub authorization: Duration,
    /// The first pause before a request is sent again to a payment provider that did not answer.
    pub payment_retry: Duration,
    /// Tax and shipping.
    pub charges: ChargesByCountry,
    pub mail: Mail,
    /// The broker that events are published to, if there is one.
    pub nats: Option<Nats>,
    pub traces: Traces,
    pub limits: Limits,
    /// Which lines are logged, in the syntax of `EnvFilter`.
    pub log: String,
}

/// The origins whose pages may call this server from a browser.
#[derive(Debug, Clone, PartialEq)]
pub enum Cors {
    /// No page.
    None,
    /// Pages of localhost on any port, for the development server of a frontend.
    Localhost,
    Origins(Vec<HeaderValue>),
}

/// The bounds of [`Config::cart_idle`].
const CART_IDLE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3_650 * 24 * 3_600);

impl Config {
    /// Checks the options and finds the secrets. `variable` looks up an environment variable.
    ///
    /// In development a missing secret is generated in the data directory. If another setting is wrong, nothing is
    /// created.
    ///
    /// # Errors
    /// All errors are returned together, so that one start shows them all.
    pub fn load(
        options: &Options,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Config, ConfigErrors> {
        let mut errors = Vec::new();
        match read(options, &variable, &mut errors) {
            Some(config) if errors.is_empty() => Ok(config),
            _ => Err(ConfigErrors(errors)),
        }
    }

    /// The folder that mail is written to if there is no mail server.
    pub fn mail_folder(&self) -> PathBuf {
        self.data_dir.join("mail")
    }

    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

/// Reads all parts before it returns `None` for one that is missing, so that `errors` gets the errors of all parts.
fn read(
    options: &Options,
    variable: &dyn Fn(&str) -> Option<String>,
    errors: &mut Vec<ConfigError>,
) -> Option<Config> {
    check(options, errors);
    let database_url = read_database_url(options, errors);
    let api_keys = read_api_keys(options, errors);
    let cors = read_cors(options, errors);
    let charges = charges::read(options, errors);
    let mail = mail::read(options, errors);
    let nats = nats::read(options, errors);
    let traces = traces::read(options, errors);
    let source = secrets::Source {
        environment: options.environment,
        data_dir: &options.data_dir,
        may_create: errors.is_empty(),
        variable,
    };
    let auth_secrets = source.auth_secrets(errors);
    let payments = payments::read(&source, errors);
    let is_development = options.environment == Environment::Development;
    let (jwt_secret, cart_token_secret) = auth_secrets?;
    Some(Config {
        environment: options.environment,
        listen: options.listen.clone(),
        data_dir: options.data_dir.clone(),
        database_url,
        demo: !options.no_demo,
        introspection: options.introspection || is_development,
        pages: options.pages || is_development,
        auth: AuthSettings {
            jwt_issuer: options.jwt_issuer.clone(),
            jwt_audience: options.jwt_audience.clone(),
            jwt_secret,
            cart_token_secret,
            api_keys: api_keys?,
        },
        payments: payments?,
        cors,
        cart_idle: options.cart_idle,
        reservation: options.reservation,
        reservation_cap: options.reservation_cap,
        authorization: options.authorization,
        payment_retry: options.payment_retry,
        charges: charges?,
        mail: mail?,
        nats,
        traces,
        limits: options.limits.clone(),
        log: options.log.clone(),
    })
}

/// Reads the URL. An empty variable counts as not set, here and in all optional settings.
fn read_database_url(options: &Options, errors: &mut Vec<ConfigError>) -> Option<Secret> {
    let url = options.database_url.as_deref().filter(|url| !url.is_empty())?;
    if let Err(error) = event_store::check_database_url(url) {
        errors.push(ConfigError::DatabaseUrl(error));
    }
    Some(Secret::new(url))
}

fn read_api_keys(options: &Options, errors: &mut Vec<ConfigError>) -> Option<Vec<ApiKey>> {
    let Some(path) = options.api_keys_file.as_ref().filter(|path| !path.as_os_str().is_empty())
    else {
        return Some(Vec::new());
    };
    let error = |source| errors.push(ConfigError::ApiKeys { path: path.clone(), source });
    auth::read_api_keys(path).map_err(error).ok()
}

/// Reads the origins. An origin that cannot be used is left out, and `errors` gets the error.
fn read_cors(options: &Options, errors: &mut Vec<ConfigError>) -> Cors {
    let text = options.cors_origins.as_deref().unwrap_or_default();
    let mut origins = Vec::new();
    for origin in text.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
        match HeaderValue::from_str(origin) {
            Ok(value) if is_origin(origin) => origins.push(value),
            _ => errors.push(ConfigError::Origin(origin.to_owned())),
        }
    }
    match options.environment {
        _ if !origins.is_empty() => Cors::Origins(origins),
        Environment::Development => Cors::Localhost,
        Environment::Production => Cors::None,
    }
}

/// Whether this is a scheme and a host only. Browsers send origins without a path, so one with a path would match
/// nothing.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    })
}

/// Checks the settings that need no parsing.
fn check(options: &Options, errors: &mut Vec<ConfigError>) {
    if let Err(reason) = check_listen(&options.listen) {
        errors.push(ConfigError::Listen { text: options.listen.clone(), reason });
    }
    if options.cart_idle.subsec_nanos() > 0 || !CART_IDLE.contains(&options.cart_idle) {
        errors.push(ConfigError::CartIdle);
    }
    if options.reservation.is_zero() || options.reservation > options.reservation_cap {
        errors.push(ConfigError::Reservation);
    }
    let limits = &options.limits;
    for (name, time, example) in [
        ("CARTULARY_AUTHORIZATION", options.authorization, "7d"),
        ("CARTULARY_PAYMENT_RETRY", options.payment_retry, "1s"),
        ("CARTULARY_MAIL_TIMEOUT", options.mail_timeout, "20s"),
        ("CARTULARY_HEADER_TIMEOUT", limits.header_timeout, "5s"),
        ("CARTULARY_IDLE_TIMEOUT", limits.idle_timeout, "75s"),
        ("CARTULARY_BODY_TIMEOUT", limits.body_timeout, "10s"),
        ("CARTULARY_EXECUTION_TIMEOUT", limits.execution_timeout, "5s"),
    ] {
        if time.is_zero() {
            errors.push(ConfigError::ZeroDuration(name, example));
        }
    }
    for (name, value) in [
        ("JWT_ISSUER", &options.jwt_issuer),
        ("JWT_AUDIENCE", &options.jwt_audience),
        ("CARTULARY_SHOP_NAME", &options.shop_name),
        ("OTEL_SERVICE_NAME", &options.otel_service),
    ] {
        if value.is_empty() {
            errors.push(ConfigError::Empty(name));
        }
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&options.log) {
        errors.push(ConfigError::LogFilter(error.to_string()));
    }
}

/// Checks the form of the address. Whether the host is known and the port is free is checked when the socket is bound.
fn check_listen(text: &str) -> Result<(), &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("it has no port")?;
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err("it has no host");
    }
    if host.contains(':') && !host.starts_with('[') {
        return Err("an IPv6 address must be in brackets, such as [::1]:8080");
    }
    port.parse::<u16>().map(drop).map_err(|_| "the port must be a number from 0 to 65535")
}

/// Prints one line per setting, with the name of its variable. Secrets are masked.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AuthSettings { jwt_issuer, jwt_audience, jwt_secret, cart_token_secret, api_keys } =
            &self.auth;
        let database =
            self.database_url.as_ref().map_or("(private)".into(), |url| masked_url(url.expose()));
        let keys: Vec<_> =
            api_keys.iter().map(|key| format!("{}:{}", key.name, key.role)).collect();
        writeln!(f, "CARTULARY_ENV={}", self.environment.as_str())?;
        writeln!(f, "CARTULARY_LISTEN={}", self.listen)?;
        writeln!(f, "CARTULARY_DATA_DIR={}", self.data_dir.display())?;
        writeln!(f, "CARTULARY_NO_DEMO={}", !self.demo)?;
        writeln!(f, "CARTULARY_INTROSPECTION={}", self.introspection)?;
        writeln!(f, "CARTULARY_PAGES={}", self.pages)?;
        writeln!(f, "DATABASE_URL={database}")?;
        writeln!(f, "JWT_ISSUER={jwt_issuer}")?;
        writeln!(f, "JWT_AUDIENCE={jwt_audience}")?;
        writeln!(f, "JWT_SECRET={jwt_secret}")?;
        writeln!(f, "CARTULARY_CART_TOKEN_SECRET={cart_token_secret}")?;
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
            Cors::None => f.write_str("(none)"),
            Cors::Localhost => f.write_str("(localhost)"),
            Cors::Origins(origins) => {
                let origins: Vec<_> =
                    origins.iter().filter_map(|origin| origin.to_str().ok()).collect();
                f.write_str(&origins.join(","))
            }
        }
    }
}
