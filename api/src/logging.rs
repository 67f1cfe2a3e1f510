//! The log: readable lines in development, JSON in production.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("RUST_LOG is no filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("another log is already in use: {0}")]
    Taken(#[from] Box<dyn std::error::Error + Send + Sync>),
}

/// Begins to log to standard error; standard output is for what was asked for.
pub fn start(config: &Config) -> Result<(), LogError> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.log)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match config.is_production() {
        true => Ok(log.json().try_init()?),
        false => Ok(log.try_init()?),
    }
}
