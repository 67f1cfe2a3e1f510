//! Why a command could not do what it was asked to.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use event_store::StoreError;
use projections::rebuild::RebuildError;
use projections::{QueryError, ReadModel};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "there is no private Postgres in {0}: name the server's --data-dir, or its --database-url"
    )]
    NoCluster(PathBuf),
    #[error("the private Postgres: {0}")]
    Private(#[from] local_postgres::Error),
    // sqlx's text says what failed; the URL is not repeated, as it holds a password.
    #[error("the database cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error("this database lacks {0} of the migrations: run `cartulary migrate`")]
    Behind(usize),
    #[error("this database was migrated by a newer program: use that one's replay-tool")]
    Ahead,
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the read models cannot be asked: {0}")]
    Query(#[from] QueryError),
    #[error("'{model}' cannot be rebuilt: {source}")]
    Rebuild { model: ReadModel, source: RebuildError },
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Usage(String),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    #[error("the reader of the log ended before its time")]
    ReaderEnded,
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// What was asked for is not there: 1. Everything else could not be run: 2.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Error::NotFound(_) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }

    /// Whoever read our output has seen enough, as `head` does: nothing to complain about.
    pub(crate) fn is_of_closed_output(&self) -> bool {
        matches!(self, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
