//! The database: that of the given URL, or the private one in the data directory, whether or not
//! the server runs.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use event_store::{EventStore, MIGRATIONS, StoreOptions, check_database_url, try_connect};
use local_postgres::Cluster;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::error::Error;

/// A rebuild takes one connection to write and one to read.
const CONNECTIONS: u32 = 4;

pub(crate) struct Database {
    url: String,
    /// Stopped by [`Database::close`], unless another process uses it.
    private: Option<Cluster>,
}

impl Database {
    /// Connects to the database, and checks that it has the tables that this program knows.
    pub(crate) async fn open(given: Option<&str>, data_dir: &Path) -> Result<Database, Error> {
        let (url, private) = match given.filter(|url| !url.is_empty()) {
            Some(url) => {
                check_database_url(url)?;
                try_connect(url).await.map_err(|error| unreachable(url, error))?;
                (url.to_owned(), None)
            }
            None => {
                let cluster = existing_cluster(data_dir).await?;
                (cluster.url(), Some(cluster))
            }
        };
        let database = Database { url, private };
        match database.check_tables().await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await?;
                Err(error)
            }
        }
    }

    /// A connection outside the pool that cannot write and has no statement timeout.
    pub(crate) async fn reader(&self) -> Result<PgConnection, Error> {
        let options: PgConnectOptions = self.url.parse().map_err(Error::Connection)?;
        let options = options
            .application_name("replay-tool")
            .options([("default_transaction_read_only", "on"), ("statement_timeout", "0")])
            .disable_statement_logging();
        options.connect().await.map_err(Error::Connection)
    }

    /// The log and its pool, with the settings that the server uses.
    pub(crate) async fn store(&self) -> Result<EventStore, Error> {
        let (max_connections, upcasters) = (CONNECTIONS, domain::upcasters());
        let options = StoreOptions { max_connections, upcasters, ..StoreOptions::default() };
        Ok(EventStore::connect(&self.url, options).await?)
    }

    pub(crate) async fn close(self) -> Result<(), Error> {
        match self.private {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(()),
        }
    }

    async fn check_tables(&self) -> Result<(), Error> {
        let mut reader = self.reader().await?;
        let applied = applied_migrations(&mut reader).await?;
        reader.close().await?;
        let known: BTreeSet<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        if !applied.is_subset(&known) {
            return Err(Error::Ahead);
        }
        match known.difference(&applied).count() {
            0 => Ok(()),
            missing => Err(Error::Behind(missing)),
        }
    }
}

/// Why the server of the URL cannot be used, in a sentence with its address.
fn unreachable(url: &str, error: sqlx::Error) -> Error {
    let Ok(options) = url.parse::<PgConnectOptions>() else { return Error::Connection(error) };
    let address = match options.get_socket() {
        Some(directory) => directory.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    match error {
        sqlx::Error::Io(error) => Error::NoServer { address, reason: without_number(&error) },
        sqlx::Error::Database(error) => {
            Error::Refused { address, reason: error.message().to_owned() }
        }
        error => Error::Connection(error),
    }
}

/// The operating system's message without the error number.
fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Never creates a cluster, because a mistyped directory must not become a new and empty shop.
async fn existing_cluster(data_dir: &Path) -> Result<Cluster, Error> {
    if !data_dir.join("postgres").exists() {
        return Err(Error::NoCluster(data_dir.to_owned()));
    }
    Ok(Cluster::start(data_dir).await?)
}

async fn applied_migrations(reader: &mut PgConnection) -> Result<BTreeSet<i64>, sqlx::Error> {
    let migrated: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *reader)
        .await?;
    if !migrated {
        return Ok(BTreeSet::new());
    }
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success")
            .fetch_all(reader)
            .await?;
    Ok(applied.into_iter().collect())
}
