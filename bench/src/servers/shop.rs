//! The real server: what `cartulary serve` runs, except for the signal handling.

use api::config::{Config, ConfigErrors, Options};
use api::database::{Database, DatabaseError};
use api::logging::{self, LogError};
use api::serve::{self, ServeError};

use super::wait_for_stdin_to_close;

#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

pub async fn run(options: &Options) -> Result<(), ShopError> {
    let config = Config::load(options, |name| std::env::var(name).ok())?;
    let _log = logging::start(&config)?;
    let socket = serve::bind(&config.listen).await?;
    let database = Database::open(&config).await?;
    database.migrate().await?;
    let served = serve::serve(&config, &database, socket, wait_for_stdin_to_close()).await;
    database.close().await?;
    Ok(served?)
}
