//! Checks the URL of a database before anything connects, and tries to connect once.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::time_limits;

/// Why a text is not the URL of a Postgres database. The message never repeats the URL, because
/// that may hold a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// The scheme is missing or names another database; sqlx itself accepts any scheme.
    #[error(
        "it must begin with postgres:// or postgresql://, such as \
         postgres://user:password@127.0.0.1:5432/shop"
    )]
    Scheme,
    /// The part after the scheme cannot be parsed.
    #[error("it is not a URL such as postgres://user:password@127.0.0.1:5432/shop: {0}")]
    Malformed(String),
}

/// Checks the form of a database's URL.
///
/// # Errors
/// If it is not the URL of a Postgres database.
pub fn check_database_url(url: &str) -> Result<(), DatabaseUrlError> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(DatabaseUrlError::Scheme);
    }
    let parsed = PgConnectOptions::from_str(url);
    parsed.map(drop).map_err(|error| DatabaseUrlError::Malformed(error.to_string()))
}

/// Connects once, without the retries of a pool, which would take half a minute to report a closed
/// port.
///
/// # Errors
/// If Postgres refuses the connection, or does not answer within [`time_limits::CONNECT`].
pub async fn try_connect(url: &str) -> Result<(), sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    let connected = tokio::time::timeout(time_limits::CONNECT, options.connect()).await;
    let late = |_| {
        let message = format!("no answer within {} s", time_limits::CONNECT.as_secs());
        sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, message))
    };
    connected.map_err(late)??.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_postgres_are_accepted() {
        assert_eq!(check_database_url("postgres://u:p@localhost:5432/shop"), Ok(()));
        assert_eq!(check_database_url("postgresql:///shop?host=/tmp"), Ok(()));
        for url in ["mysql://u:p@localhost/shop", "localhost:5432", "shop", ""] {
            assert_eq!(check_database_url(url), Err(DatabaseUrlError::Scheme), "{url}");
        }
        let refused = check_database_url("postgres://u:hunter2@localhost:port/shop").unwrap_err();
        assert!(matches!(refused, DatabaseUrlError::Malformed(_)));
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
}
