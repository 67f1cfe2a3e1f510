//! What can go wrong with a private cluster, in sentences for the person who has to fix it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the private cluster could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no PostgreSQL server (version {oldest} or newer) is installed: run `apt install postgresql` \
         or `brew install postgresql`, point PG_BIN at a server's bin directory, \
         or set DATABASE_URL to a server that runs already"
    )]
    NoServer { oldest: u32 },

    #[error("PG_BIN is {0}, which holds no PostgreSQL server that works for the account `{1}`")]
    BadPgBin(PathBuf, String),

    #[error(
        "the cluster in {home} was made by PostgreSQL {made_by}, which is not installed (found: {found}): \
         install it, or upgrade the cluster with pg_upgrade"
    )]
    OtherVersion { home: PathBuf, made_by: u32, found: String },

    #[error(
        "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody` to run it as"
    )]
    NoAccount,

    #[error(
        "the cluster in {home} belongs to the account `{owner}`: run this program as that account or as root"
    )]
    OtherOwner { home: PathBuf, owner: String },

    #[error(
        "the account `{account}`, which owns the cluster in {home}, may not enter that directory"
    )]
    Unreachable { home: PathBuf, account: String },

    #[error("the path {0} is not UTF-8, which PostgreSQL's configuration cannot express")]
    NotUtf8(PathBuf),

    #[error("initdb could not create the cluster: {0}")]
    Initdb(String),

    #[error("the PostgreSQL server ended while starting; the last lines of its log:\n{log}")]
    Exited { log: String },

    #[error("the PostgreSQL server was not ready within {}s; the last lines of its log:\n{log}", waited.as_secs())]
    NotReady { waited: Duration, log: String },

    #[error("the PostgreSQL server (process {pid}) did not stop within {}s; it keeps running and the next start adopts it", waited.as_secs())]
    NotStopped { pid: i32, waited: Duration },

    #[error("another process has held {path} for {}s: is it stuck while starting or stopping PostgreSQL?", waited.as_secs())]
    Locked { path: PathBuf, waited: Duration },

    #[error("the private PostgreSQL server does not answer as expected: {0}")]
    Database(#[from] sqlx::Error),

    #[error("could not {action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

/// Says what was being done to which path when an I/O error occurred.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source })
    }
}
