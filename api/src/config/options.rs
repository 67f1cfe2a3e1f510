//! Flags, each with an environment variable.  Secrets are not among them: flags show in `ps`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};

use super::duration;
use crate::graphql_http::Limits;

/// Where the server runs, and so how careful it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// Missing secrets are made; localhost may call from a browser.
    Development,
    /// A missing or weak secret stops the start.
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

/// How prices and tax go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TaxMode {
    /// Tax comes on top of the prices.
    Exclusive,
    /// The prices include it.
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
#[command(next_help_heading = "Options")]
pub struct Options {
    /// The address to serve on.
    #[arg(
        long,
        global = true,
        env = "CARTULARY_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: String,
    /// The Postgres to use; without it, a private one in the data directory.
    // Hidden from --help, which would print the variable's value, password and all.
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Holds the private Postgres and what was generated.
    #[arg(
        long,
        global = true,
        env = "CARTULARY_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,
    #[arg(long, global = true, env = "CARTULARY_ENV", value_enum, default_value_t = Environment::Development)]
    pub environment: Environment,
    /// Do not load the demo catalogue into an empty shop.
    #[arg(long, global = true, env = "CARTULARY_NO_DEMO", action = ArgAction::SetTrue,
        value_parser = FalseyValueParser::new())]
    pub no_demo: bool,
    /// Allow introspection, GraphiQL and the schema's text in production too.
    #[arg(long, global = true, env = "CARTULARY_INTROSPECTION", action = ArgAction::SetTrue,
        value_parser = FalseyValueParser::new())]
    pub introspection: bool,
    /// The issuer that tokens must name.
    #[arg(
        long,
        global = true,
        env = "JWT_ISSUER",
        value_name = "NAME",
        default_value = "cartulary"
    )]
    pub jwt_issuer: String,
    /// The audience that tokens must name.
    #[arg(
        long,
        global = true,
        env = "JWT_AUDIENCE",
        value_name = "NAME",
        default_value = "cartulary"
    )]
    pub jwt_audience: String,
    /// API keys: JSON, an array or one object a line, of {name, role, sha256}.
    #[arg(long, global = true, env = "API_KEYS_FILE", value_name = "FILE")]
    pub api_keys_file: Option<PathBuf>,
    /// Origins whose pages may call this server, separated by commas.
    #[arg(long, global = true, env = "CORS_ORIGINS", value_name = "ORIGINS")]
    pub cors_origins: Option<String>,
    /// How long stock is kept for an order that is not paid.
    #[arg(long, global = true, env = "CARTULARY_RESERVATION", value_name = "DURATION",
        default_value = "15m", value_parser = duration::parse)]
    pub reservation: Duration,
    /// The longest that payment attempts may stretch it to.
    #[arg(long, global = true, env = "CARTULARY_RESERVATION_CAP", value_name = "DURATION",
        default_value = "60m", value_parser = duration::parse)]
    pub reservation_cap: Duration,
    /// Whether tax comes on top of the prices or is included.
    #[arg(long, global = true, env = "CARTULARY_TAX_MODE", value_enum,
        default_value_t = TaxMode::Exclusive)]
    pub tax_mode: TaxMode,
    /// Tax in percent by country, `*` for all others, such as US=10.75,DE=19,*=0.
    #[arg(
        long,
        global = true,
        env = "CARTULARY_TAX_RATES",
        value_name = "RATES",
        default_value = ""
    )]
    pub tax_rates: String,
    /// Shipping by currency, in minor units, and the sum from which it is free, such as
    /// USD=644:10000,EUR=499.
    #[arg(
        long,
        global = true,
        env = "CARTULARY_SHIPPING",
        value_name = "PRICES",
        default_value = ""
    )]
    pub shipping: String,
    /// What to log, in the syntax of tracing-subscriber's EnvFilter.
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    #[command(flatten)]
    pub limits: Limits,
}
