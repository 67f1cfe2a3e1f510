//! The database: the configured one or a private one, and its tables.

use local_postgres::Cluster;
use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migration};
use sqlx::postgres::PgPoolOptions;

use crate::config::Config;
use crate::secret::{Secret, masked_url};

/// Why the database cannot be used. The messages never contain the password of a URL.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the private Postgres: {0}")]
    Private(#[from] local_postgres::Error),
    #[error("DATABASE_URL {url}: {}; start the database, or correct the URL", reason(.source))]
    Unreachable { url: String, source: sqlx::Error },
    #[error(
        "the database has migration {0}, which this program does not know; run the newer release that \
         applied it, or restore a backup"
    )]
    Newer(i64),
    #[error("the migrations cannot be applied: {0}")]
    Migration(MigrateError),
    #[error("the database cannot be read: {0}")]
    Query(#[from] sqlx::Error),
}

impl From<MigrateError> for DatabaseError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => DatabaseError::Newer(version),
            error => DatabaseError::Migration(error),
        }
    }
}

/// The cause of the error, without the text that sqlx puts around it.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}

/// The database that this process uses.
#[derive(Debug)]
pub struct Database {
    pub pool: PgPool,
    /// The private Postgres, if one is used. It is stopped at the end, unless another process uses it.
    private: Option<Cluster>,
    url: Secret,
}

impl Database {
    /// Connects to the configured database, or starts the private one and connects to it.
    pub async fn open(config: &Config) -> Result<Database, DatabaseError> {
        let (url, private) = match &config.database_url {
            Some(url) => {
                let unreachable =
                    |source| DatabaseError::Unreachable { url: masked_url(url.expose()), source };
                event_store::try_connect(url.expose()).await.map_err(unreachable)?;
                (url.expose().to_owned(), None)
            }
            None => {
                let cluster = Cluster::start(&config.data_dir).await?;
                (cluster.url(), Some(cluster))
            }
        };
        let pool = PgPoolOptions::new().connect(&url).await?;
        Ok(Database { pool, private, url: Secret::new(url) })
    }

    /// The URL of the database, for parts of the program that open their own connections.
    pub fn url(&self) -> &Secret {
        &self.url
    }

    /// Applies the migrations that are missing, and returns those. Several processes may do so at once.
    pub async fn migrate(&self) -> Result<Vec<&'static Migration>, DatabaseError> {
        let before = self.applied_versions().await?;
        event_store::MIGRATIONS.run(&self.pool).await?;
        let all = event_store::MIGRATIONS.iter();
        Ok(all.filter(|migration| !before.contains(&migration.version)).collect())
    }

    async fn applied_versions(&self) -> Result<Vec<i64>, sqlx::Error> {
        let exists = "select to_regclass('_sqlx_migrations') is not null";
        if !sqlx::query_scalar(exists).fetch_one(&self.pool).await? {
            return Ok(Vec::new());
        }
        sqlx::query_scalar("select version from _sqlx_migrations").fetch_all(&self.pool).await
    }

    /// Closes the connections and stops the private Postgres.
    pub async fn close(self) -> Result<(), DatabaseError> {
        self.pool.close().await;
        match self.private {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(()),
        }
    }
}
