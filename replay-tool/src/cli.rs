//! The command line: the commands, and the options that all of them share.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::cmd::{history, rebuild, status, verify};
use crate::database::Database;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::verdict::Verdict;

#[derive(Debug, Parser)]
#[command(
    name = "replay-tool",
    version,
    about = "Rebuild, verify and read the history of a Cartulary database",
    long_about = None,
    after_help = "Exit codes: 0 all is well, 1 something is wrong or was not found, 2 the command \
                  could not be run."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the end of the log and how far each projection and worker lags behind it.
    Status(status::Options),
    /// Build read models anew from the log and replace the live ones.
    Rebuild(rebuild::Options),
    /// Check the log, every stream and every read model; change nothing.
    Verify(verify::Options),
    /// Print the events of one stream.
    History(history::Options),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Where the data is, and the output")]
pub(crate) struct Options {
    /// The PostgreSQL database to use [default: the private one in the data directory].
    // Its value is hidden from --help, because it may contain a password.
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The data directory of `cartulary`, which may be running or not.
    #[arg(
        long,
        global = true,
        env = "CARTULARY_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    data_dir: PathBuf,
    /// Print JSON: one document, or one object on each line.
    #[arg(long, global = true)]
    json: bool,
}

impl Cli {
    pub(crate) async fn run(self) -> Result<Verdict, Error> {
        log_to_stderr();
        let output = Output::new(self.options.json);
        let interrupt = Interrupt::listen()?;
        let database =
            Database::open(self.options.database_url.as_deref(), &self.options.data_dir).await?;
        let verdict = self.command.run(&database, &output, &interrupt).await;
        database.close().await?;
        verdict
    }
}

impl Command {
    async fn run(
        self,
        database: &Database,
        output: &Output,
        interrupt: &Interrupt,
    ) -> Result<Verdict, Error> {
        match self {
            Command::Status(options) => interrupt.or(status::run(database, options, output)).await,
            Command::Rebuild(options) => rebuild::run(database, options, output, interrupt).await,
            Command::Verify(options) => verify::run(database, &options, output, interrupt).await,
            Command::History(options) => {
                interrupt.or(history::run(database, &options, output)).await
            }
        }
    }
}

/// Standard output is for the answer, and only warnings are logged, in colours only on a terminal.
/// sqlx's own warnings are left out: when the private server is stopped, it warns of connections
/// that were closed, and the error of a statement is reported anyway.
fn log_to_stderr() {
    let usual = |_| EnvFilter::new("warn,sqlx=error");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(usual);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
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
    fn a_lag_is_a_number_of_events() {
        assert!(refused(&["replay-tool", "status", "--fail-over-lag", "much"]));
        assert!(refused(&["replay-tool", "status", "--fail-over-lag", "-1"]));
        assert!(!refused(&["replay-tool", "status", "--fail-over-lag", "0"]));
    }

    #[test]
    fn the_short_help_of_each_command_fits_on_a_screen() {
        let mut cli = Cli::command();
        let commands = cli.get_subcommands_mut();
        for help in commands.map(|command| command.render_help().to_string()) {
            assert!(help.lines().count() <= 24, "{help}");
        }
    }

    #[test]
    fn history_is_of_a_known_kind() {
        assert!(refused(&["replay-tool", "history", "customer", "ada"]));
        assert!(!refused(&["replay-tool", "history", "order", "10001", "--pretty"]));
    }
}
