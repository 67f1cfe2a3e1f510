//! The command line: the commands, and the options that all of them share.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::cmd::{history, rebuild, status, verify};
use crate::database::Database;
use crate::error::Error;
use crate::output::Output;

#[derive(Debug, Parser)]
#[command(
    name = "replay-tool",
    version,
    about = "Rebuild, verify and read the history of a Cartulary database",
    long_about = None,
    after_help = "Exit codes: 0 all is well, 1 something is wrong, 2 it could not be run."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell how far the log and everything that follows it have come.
    Status,
    /// Build read models anew from the log and put them in the live ones' place.
    Rebuild(rebuild::Options),
    /// Check the log, every stream and every read model.
    Verify(verify::Options),
    /// Print the events of one stream.
    History(history::Options),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Options")]
pub(crate) struct Options {
    /// The Postgres to use; without it, the private one in the data directory.
    // Hidden from --help, which would print the variable's value, password and all.
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// The server's data directory; the server may run or not.
    #[arg(
        long,
        global = true,
        env = "CARTULARY_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub(crate) data_dir: PathBuf,
    /// Print JSON: one document, or one object a line.
    #[arg(long, global = true)]
    json: bool,
}

/// What a command that could be run has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Well,
    Wrong,
}

impl Verdict {
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Verdict::Well => ExitCode::SUCCESS,
            Verdict::Wrong => ExitCode::from(1),
        }
    }
}

impl Cli {
    pub(crate) async fn run(self) -> Result<Verdict, Error> {
        log_to_stderr();
        let output = Output::new(self.options.json);
        let database = Database::open(&self.options).await?;
        let done = tokio::select! {
            done = self.command.run(&database, &output) => done,
            _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
        };
        database.close().await?;
        done
    }
}

impl Command {
    async fn run(self, database: &Database, output: &Output) -> Result<Verdict, Error> {
        match self {
            Command::Status => status::run(database, output).await,
            Command::Rebuild(options) => rebuild::run(database, options, output).await,
            Command::Verify(options) => verify::run(database, &options, output).await,
            Command::History(options) => history::run(database, &options, output).await,
        }
    }
}

/// Standard output is for what was asked for, so only warnings are worth a line here.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn refused(line: &[&str]) -> bool {
        Cli::try_parse_from(line).is_err()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rebuild_names_a_read_model_or_all_of_them() {
        assert!(refused(&["replay-tool", "rebuild"]));
        assert!(refused(&["replay-tool", "rebuild", "nonsense"]));
        assert!(refused(&["replay-tool", "rebuild", "orders", "--all"]));
        assert!(refused(&["replay-tool", "rebuild", "--all", "--verify-only", "--keep-old"]));
        assert!(!refused(&["replay-tool", "rebuild", "orders", "--keep-old"]));
        assert!(!refused(&["replay-tool", "rebuild", "--all", "--verify-only", "--json"]));
    }

    #[test]
    fn history_is_of_a_known_kind() {
        assert!(refused(&["replay-tool", "history", "customer", "ada"]));
        assert!(!refused(&["replay-tool", "history", "order", "10001", "--pretty"]));
    }
}
