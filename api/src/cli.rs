//! The commands of the binary.

use std::time::Duration;

use chrono::Utc;
use clap::{Args, Parser, Subcommand};

use crate::auth::{Authenticator, IssueError, Role};
use crate::config::{Config, ConfigErrors, Options};
use crate::database::{Database, DatabaseError};
use crate::duration;
use crate::logging;
use crate::serve::{self, ServeError};

#[derive(Debug, Parser)]
#[command(name = "cartulary", version, about = "An event-sourced commerce backend", long_about = None)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (what happens without a command).
    Serve,
    /// Bring the database's tables up to date, and stop.
    Migrate,
    /// Print a signed token for the header `Authorization: Bearer`.
    Token(TokenArgs),
    /// Print the effective configuration, secrets masked.
    Config,
}

#[derive(Debug, Args)]
struct TokenArgs {
    /// The subject: who this is.
    #[arg(long, value_name = "ID")]
    sub: String,
    #[arg(long, value_enum)]
    role: Role,
    /// How long the token is good for.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration::parse)]
    ttl: Duration,
}

/// Why a command ended badly.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Log(#[from] logging::LogError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Token(#[from] IssueError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl Cli {
    pub async fn run(self) -> Result<(), CliError> {
        let config = Config::load(&self.options, |name| std::env::var(name).ok())?;
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => {
                let _log = logging::start(&config)?;
                Ok(serve::run(config).await?)
            }
            Command::Migrate => {
                let _log = logging::start(&config)?;
                migrate(&config).await
            }
            Command::Token(args) => {
                let token = Authenticator::new(&config.auth).issue(
                    &args.sub,
                    args.role,
                    args.ttl,
                    Utc::now(),
                )?;
                println!("{token}");
                Ok(())
            }
            Command::Config => {
                print!("{config}");
                Ok(())
            }
        }
    }
}

async fn migrate(config: &Config) -> Result<(), CliError> {
    let database = Database::open(config).await?;
    let migrated = database.migrate().await;
    database.close().await?;
    Ok(migrated?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_serve() {
        let cli = Cli::try_parse_from(["cartulary", "--listen", "127.0.0.1:1"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.options.listen, "127.0.0.1:1");
    }

    #[test]
    fn options_may_follow_the_command() {
        let cli = Cli::try_parse_from([
            "cartulary",
            "token",
            "--sub",
            "a",
            "--role",
            "support",
            "--data-dir",
            "x",
        ]);
        let cli = cli.unwrap();
        assert!(matches!(cli.command, Some(Command::Token(TokenArgs { role: Role::Support, .. }))));
        assert_eq!(cli.options.data_dir.to_str(), Some("x"));
    }
}
