//! The command-line options, each with an environment variable. Secrets have a variable only, because `ps` shows
//! the command line to other users.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};
use commands::relay::StreamName;

use super::Limits;
use crate::duration;

/// The environment that the server runs in. It decides what is allowed and which settings are required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// Missing secrets are generated, and pages of localhost may call the API.
    Development,
    /// Missing and weak secrets are refused.
    Production,
}

impl Environment {
    pub fn as_str(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Production => "production",
        }
    }
}

/// Whether prices include tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TaxMode {
    /// Tax is added to the prices.
    Exclusive,
    /// The prices include tax.
    Inclusive,
}

impl From<TaxMode> for domain::pricing::TaxMode {
    fn from(mode: TaxMode) -> Self {
        match mode {
            TaxMode::Exclusive => domain::pricing::TaxMode::Exclusive,
            TaxMode::Inclusive => domain::pricing::TaxMode::Inclusive,
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The host and port to listen on.
    #[arg(
        long,
        global = true,
        help_heading = "Server",
        env = "CARTULARY_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: String,
    /// The Postgres to use; without it, a private one in the data directory is used.
    // The value is hidden from the help, because it may contain a password.
    #[arg(
        long,
        global = true,
        help_heading = "Server",
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// The directory of the private Postgres, of generated secrets and of mail.
    #[arg(
        long,
        global = true,
        help_heading = "Server",
        env = "CARTULARY_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,
    /// The environment that the server runs in.
    #[arg(long, global = true, help_heading = "Server", env = "CARTULARY_ENV", value_enum, default_value_t = Environment::Development)]
    pub environment: Environment,
    /// Do not load the demo catalogue into an empty shop.
    #[arg(long, global = true, help_heading = "Server", env = "CARTULARY_NO_DEMO", action = ArgAction::SetTrue,
        value_parser = FalseyValueParser::new())]
    pub no_demo: bool,
    /// Allow introspection and the schema's text in production too.
    #[arg(long, global = true, help_heading = "Server", env = "CARTULARY_INTROSPECTION", action = ArgAction::SetTrue,
        value_parser = FalseyValueParser::new())]
    pub introspection: bool,
    /// Serve the demo shop and the console in production too.
    #[arg(long, global = true, help_heading = "Server", env = "CARTULARY_PAGES", action = ArgAction::SetTrue,
        value_parser = FalseyValueParser::new())]
    pub pages: bool,
    /// The issuer that tokens must name.
    #[arg(
        long,
        global = true,
        help_heading = "Sign-in",
        env = "JWT_ISSUER",
        value_name = "NAME",
        default_value = "cartulary"
    )]
    pub jwt_issuer: String,
    /// The audience that tokens must name.
    #[arg(
        long,
        global = true,
        help_heading = "Sign-in",
        env = "JWT_AUDIENCE",
        value_name = "NAME",
        default_value = "cartulary"
    )]
    pub jwt_audience: String,
    /// The file of API keys: JSON objects {name, role, sha256}, as an array or one a line.
    #[arg(
        long,
        global = true,
        help_heading = "Sign-in",
        env = "API_KEYS_FILE",
        value_name = "FILE"
    )]
    pub api_keys_file: Option<PathBuf>,
    /// Origins whose pages may call this server, separated by commas.
    #[arg(
        long,
        global = true,
        help_heading = "Server",
        env = "CORS_ORIGINS",
        value_name = "ORIGINS"
    )]
    pub cors_origins: Option<String>,
    /// A cart expires after this time without a change.
    #[arg(long, global = true, help_heading = "Carts and orders", env = "CARTULARY_CART_IDLE", value_name = "DURATION",
        default_value = "7d", value_parser = duration::parse)]
    pub cart_idle: Duration,
    /// How long stock is reserved for an order that is not paid.
    #[arg(long, global = true, help_heading = "Carts and orders", env = "CARTULARY_RESERVATION", value_name = "DURATION",
        default_value = "15m", value_parser = duration::parse)]
    pub reservation: Duration,
    /// The longest time, counted from placing the order, to which payments can extend a reservation.
    #[arg(long, global = true, help_heading = "Carts and orders", env = "CARTULARY_RESERVATION_CAP", value_name = "DURATION",
        default_value = "60m", value_parser = duration::parse)]
    pub reservation_cap: Duration,
    /// How long an authorisation lasts if the payment provider does not say it.
    #[arg(long, global = true, help_heading = "Payments", env = "CARTULARY_AUTHORIZATION", value_name = "DURATION",
        default_value = "7d", value_parser = duration::parse)]
    pub authorization: Duration,
    /// The first pause before a request is sent again to a payment provider that did not answer. Each further pause
    /// is twice as long, and the first pause after a refusal is 32 times as long.
    #[arg(long, global = true, help_heading = "Payments", env = "CARTULARY_PAYMENT_RETRY", value_name = "DURATION",
        default_value = "1s", value_parser = duration::parse)]
    pub payment_retry: Duration,
    /// Whether tax is added to the prices or included in them.
    #[arg(long, global = true, help_heading = "Carts and orders", env = "CARTULARY_TAX_MODE", value_enum,
        default_value_t = TaxMode::Exclusive)]
    pub tax_mode: TaxMode,
    /// Tax rates in percent by country, with * for all other countries, such as US=10.75,DE=19,*=0.
    #[arg(
        long,
        global = true,
        help_heading = "Carts and orders",
        env = "CARTULARY_TAX_RATES",
        value_name = "RATES",
        default_value = ""
    )]
    pub tax_rates: String,
    /// Shipping prices by currency in minor units, and the value of goods from which shipping is free, such as
    /// USD=644:10000,EUR=499.
    #[arg(
        long,
        global = true,
        help_heading = "Carts and orders",
        env = "CARTULARY_SHIPPING",
        value_name = "PRICES",
        default_value = ""
    )]
    pub shipping: String,
    /// The mail server, such as smtp://127.0.0.1:25; without one, mail is written to a folder of the data
    /// directory.
    // The value is hidden from the help, because it may contain a password.
    #[arg(
        long,
        global = true,
        help_heading = "Mail",
        env = "SMTP_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub smtp_url: Option<String>,
    /// The sender of mail, such as Shop <shop@example.com>.
    #[arg(long, global = true, help_heading = "Mail", env = "MAIL_FROM", value_name = "MAILBOX")]
    pub mail_from: Option<String>,
    /// The mailbox that gets messages about low stock; without one, these messages are not sent.
    #[arg(
        long,
        global = true,
        help_heading = "Mail",
        env = "CARTULARY_STAFF_MAIL",
        value_name = "MAILBOX"
    )]
    pub staff_mail: Option<String>,
    /// The shop's name, as customers know it.
    #[arg(
        long,
        global = true,
        help_heading = "Mail",
        env = "CARTULARY_SHOP_NAME",
        value_name = "NAME",
        default_value = "Cartulary"
    )]
    pub shop_name: String,
    /// The pause after the first failure to send a message. The next pauses are 4, 20, 120 and 720 times as long.
    #[arg(long, global = true, help_heading = "Mail", env = "CARTULARY_MAIL_BACKOFF", value_name = "DURATION",
        default_value = "30s", value_parser = duration::parse)]
    pub mail_backoff: Duration,
    /// How long one attempt to send a message may take.
    #[arg(long, global = true, help_heading = "Mail", env = "CARTULARY_MAIL_TIMEOUT", value_name = "DURATION",
        default_value = "20s", value_parser = duration::parse)]
    pub mail_timeout: Duration,
    /// The broker that events are published to, such as nats://127.0.0.1:4222; several servers of one
    /// cluster are separated by commas. Without one, events are not published.
    // The value is hidden from the help, because it may contain a password.
    #[arg(
        long,
        global = true,
        help_heading = "Events and traces",
        env = "NATS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub nats_url: Option<String>,
    /// The JetStream stream of events, created if it is missing; subjects begin with its name in lower case.
    #[arg(
        long,
        global = true,
        help_heading = "Events and traces",
        env = "CARTULARY_NATS_STREAM",
        value_name = "NAME",
        default_value = "CARTULARY"
    )]
    pub nats_stream: StreamName,
    /// The collector of traces, by OTLP over HTTP, such as http://127.0.0.1:4318; without one, traces are
    /// not sent.
    // The value is hidden from the help, because it may contain a password.
    #[arg(
        long,
        global = true,
        help_heading = "Events and traces",
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        value_name = "URL",
        hide_env_values = true
    )]
    pub otlp_endpoint: Option<String>,
    /// The name of this program at the collector of traces.
    #[arg(
        long,
        global = true,
        help_heading = "Events and traces",
        env = "OTEL_SERVICE_NAME",
        value_name = "NAME",
        default_value = "cartulary"
    )]
    pub otel_service: String,
    /// Which lines are logged, in the syntax of tracing-subscriber's EnvFilter.
    // Errors of Stripe's library are logged where they are handled. The NATS library logs every reconnection at the
    // level info.
    #[arg(
        long,
        global = true,
        help_heading = "Server",
        env = "RUST_LOG",
        value_name = "FILTER",
        default_value = "info,sqlx::postgres::notice=warn,stripe=error,async_nats=warn"
    )]
    pub log: String,
    #[command(flatten)]
    pub limits: Limits,
}
