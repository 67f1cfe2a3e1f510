//! The errors that end a command.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use event_store::{DatabaseUrlError, StoreError};
use projections::rebuild::{RebuildError, RebuildMode};
use projections::{QueryError, ReadModel};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "there is no private Postgres in {0}: give the data directory of `cartulary` by --data-dir, \
         or the database that it uses by --database-url"
    )]
    NoCluster(PathBuf),
    #[error("the private Postgres: {0}")]
    Private(#[from] local_postgres::Error),
    // The URL is not repeated, because it may contain a password.
    #[error("the database URL cannot be used: {0}")]
    Url(#[from] DatabaseUrlError),
    #[error(
        "the database cannot be reached: no PostgreSQL server answers at {address} ({reason}); start \
         it, or correct the host and the port in the database URL"
    )]
    NoServer { address: String, reason: String },
    #[error(
        "the database cannot be reached: the PostgreSQL server at {address} refuses the connection \
         ({reason}); correct the user, the password or the database in the database URL"
    )]
    Refused { address: String, reason: String },
    #[error("the connection to the database failed: {0}")]
    Connection(sqlx::Error),
    #[error("this database lacks {0} of the migrations: run `cartulary migrate` on it first")]
    Behind(usize),
    #[error(
        "this database was migrated by a newer program: use the replay-tool of the same version"
    )]
    Ahead,
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the read models cannot be queried: {0}")]
    Query(#[from] QueryError),
    #[error("'{model}' cannot be rebuilt: {source}")]
    Rebuild { model: ReadModel, source: RebuildError },
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Usage(String),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    #[error("the task that reads the streams ended early; the log may say why")]
    ReaderEnded,
    #[error("the handler of Ctrl-C cannot be installed: {0}")]
    Signal(io::Error),
    #[error("interrupted; nothing was changed")]
    Interrupted,
    #[error("interrupted: {0}")]
    RebuildInterrupted(Interrupted),
}

impl Error {
    /// 1 if the requested object does not exist; 2 if the command could not be executed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Error::NotFound(_) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }

    /// Whether the reader of the output has closed it, as `head` does; that is not a failure.
    pub(crate) fn is_of_closed_output(&self) -> bool {
        matches!(self, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// The message after Ctrl-C.
#[derive(Debug)]
pub(crate) struct Interrupted {
    pub(crate) mode: RebuildMode,
    /// The read models that were not replaced. None means all.
    pub(crate) kept: Option<Vec<&'static str>>,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mode, &self.kept) {
            (RebuildMode::Verify, _) => write!(f, "no live table was changed")?,
            (_, None) => write!(f, "no live table was replaced")?,
            (_, Some(kept)) => write!(
                f,
                "the live tables of {} were not replaced, those printed above were",
                kept.join(", ")
            )?,
        }
        write!(f, ", and the half-built shadow tables are dropped")
    }
}
