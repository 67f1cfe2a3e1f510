//! The database: the one we are told of, or a private one; and its tables.

use local_postgres::Cluster;
use sqlx::PgPool;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgPoolOptions;

use crate::config::Config;
use crate::secret::Secret;

/// Why there is no usable database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the private Postgres: {0}")]
    Private(#[from] local_postgres::Error),
    // The address is not in the message: sqlx's own text says what failed, and a URL holds a password.
    #[error("the database of DATABASE_URL cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error("the migrations: {0}")]
    Migration(#[from] MigrateError),
}

/// Where the data lives for as long as the process runs.
#[derive(Debug)]
pub struct Database {
    pub pool: PgPool,
    /// Ours to stop, where nobody else uses it.
    private: Option<Cluster>,
    url: Secret,
}

impl Database {
    pub async fn open(config: &Config) -> Result<Database, DatabaseError> {
        let (url, private) = match &config.database_url {
            Some(url) => (url.expose().to_owned(), None),
            None => {
                let cluster = Cluster::start(&config.data_dir).await?;
                (cluster.url(), Some(cluster))
            }
        };
        let pool = PgPoolOptions::new().connect(&url).await.map_err(DatabaseError::Unreachable)?;
        Ok(Database { pool, private, url: Secret::new(url) })
    }

    /// For parts that connect on their own.
    pub fn url(&self) -> &Secret {
        &self.url
    }

    /// Brings the tables up to date; several processes may do so at once.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        Ok(event_store::MIGRATIONS.run(&self.pool).await?)
    }

    pub async fn close(self) -> Result<(), DatabaseError> {
        self.pool.close().await;
        match self.private {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(()),
        }
    }
}
