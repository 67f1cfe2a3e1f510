//! The commands of the binary, and how their errors are printed.

use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use sqlx::migrate::Migration;

use crate::auth::{Authenticator, IssueError, Role};
use crate::config::{Config, ConfigErrors, Options};
use crate::database::{Database, DatabaseError};
use crate::duration;
use crate::logging;
use crate::output;
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
    /// Run the server. This is the default.
    Serve,
    /// Apply the database migrations that are missing, and print which ones.
    Migrate,
    /// Print a signed token (JWT) for the header `Authorization: Bearer`.
    Token(TokenArgs),
    /// Print the effective configuration with secrets masked.
    Config,
}

#[derive(Debug, Args)]
struct TokenArgs {
    /// The subject of the token: the name of the person it is for, such as ada.
    #[arg(long, value_name = "ID")]
    sub: String,
    /// What the holder of the token may do.
    #[arg(long, value_enum)]
    role: Role,
    /// How long the token is valid, such as 15m or 8h.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration::parse)]
    ttl: Duration,
}

/// Why a command failed.
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
    #[error("standard output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// The exit code for a command line or a setting that cannot be used; other failures end with 1.
const USAGE: u8 = 2;

/// The options that `-h` shows. `--help` shows all of them.
const ESSENTIAL_OPTIONS: [&str; 6] =
    ["listen", "database_url", "data_dir", "environment", "no_demo", "log"];

const AFTER_SHORT_HELP: &str =
    "These are the most important options; cartulary --help shows all of them.";

const AFTER_LONG_HELP: &str = "\
Every option can also be set by the environment variable beside it. Secrets have a variable only:
JWT_SECRET, CARTULARY_CART_TOKEN_SECRET, CARTULARY_SIMULATOR_WEBHOOK_SECRET, STRIPE_SECRET_KEY and
STRIPE_WEBHOOK_SECRET; and STRIPE_API_BASE, which may contain one.";

/// The command line, with a short help for `-h` and a long one for `--help`.
fn command_line() -> clap::Command {
    let hide_from_short_help = |option: Arg| {
        let is_essential = ESSENTIAL_OPTIONS.contains(&option.get_id().as_str());
        option.hide_short_help(!is_essential)
    };
    let add_notes = |command: clap::Command| {
        command.after_help(AFTER_SHORT_HELP).after_long_help(AFTER_LONG_HELP)
    };
    add_notes(Cli::command()).mut_args(hide_from_short_help).mut_subcommands(add_notes)
}

/// The whole program: runs the command that the arguments name.
///
/// An error is printed as one sentence. The exit code is 0, 1 for a command that failed, or 2 for arguments
/// or settings that cannot be used.
#[tokio::main]
pub async fn main() -> ExitCode {
    let parsed = command_line().try_get_matches();
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            output::print_error(&sentence(&error));
            return ExitCode::from(USAGE);
        }
        // Help and version.
        Err(error) => error.exit(),
    };
    match cli.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error.to_string());
            let is_usage = matches!(error, CliError::Config(_) | CliError::Token(_));
            if is_usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

/// Makes one sentence of clap's several paragraphs about wrong arguments. It names the option and its environment
/// variable.
fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = first.split_whitespace().collect();
    let message = words.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    match variable_of(error) {
        Some(variable) => format!("{message} (or {variable}); see cartulary help"),
        None => format!("{message}; see cartulary help"),
    }
}

/// The environment variable of the option that the error is about.
fn variable_of(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let mut command = Cli::command();
    // Without `build`, an argument does not print the way it does in the error.
    command.build();
    let known = command.get_arguments().find(|known| known.to_string() == *option)?;
    known.get_env().map(|variable| variable.to_string_lossy().into_owned())
}

impl Cli {
    async fn run(self) -> Result<(), CliError> {
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
                let auth = Authenticator::new(&config.auth);
                let token = auth.issue(&args.sub, args.role, args.ttl, Utc::now())?;
                Ok(output::print(&format!("{token}\n"))?)
            }
            Command::Config => Ok(output::print(&config.to_string())?),
        }
    }
}

async fn migrate(config: &Config) -> Result<(), CliError> {
    let database = Database::open(config).await?;
    let migrated = database.migrate().await;
    database.close().await?;
    Ok(output::print(&report(&migrated?))?)
}

/// Reports, for people, which migrations were applied.
fn report(applied: &[&Migration]) -> String {
    let name =
        |migration: &Migration| format!("{:04} {}", migration.version, migration.description);
    match applied {
        [] => "nothing to do: the database is up to date\n".to_owned(),
        [one] => format!("applied 1 migration: {}\n", name(one)),
        [first, .., last] => {
            let count = applied.len();
            format!("applied {count} migrations, from {} to {}\n", name(first), name(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_short_help_of_every_command_fits_on_a_screen() {
        let mut command = command_line();
        command.build();
        let mut helps = vec![command.render_help().to_string()];
        helps.extend(command.get_subcommands_mut().map(|sub| sub.render_help().to_string()));
        for help in helps {
            assert!(help.lines().count() <= 40, "{help}");
        }
        let long = command.render_long_help().to_string();
        for option in Cli::command().get_arguments() {
            let name = option.get_long().unwrap();
            assert!(long.contains(&format!("--{name}")), "{name}");
        }
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
