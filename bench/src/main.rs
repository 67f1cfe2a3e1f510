//! The benchmark: measures each row next to its limit, in one run, on one machine.
//!
//! A *limit* is the least that does the same work: a bare server, a plain `insert`, a plain copy.
//! Machines vary by a factor of two within an hour, so only the ratio of row and limit means
//! something. Read [`shared_servers`] (what is started, and how a row and its limit alternate),
//! [`rows`], then [`load`] (the clients) and [`check`] (what must hold afterwards).

mod check;
mod error;
mod history;
mod limit;
mod load;
mod order_shop;
mod peers;
mod process;
mod program;
mod report;
mod rows;
mod sample;
mod servers;
mod shared_servers;
mod shop;
mod testbed;

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;

use crate::error::BenchError;
use crate::report::ReportLine;
use crate::rows::Row;
use crate::shared_servers::SharedServers;
use crate::testbed::{Pace, Sizes};

/// The allocator of the product, so that it makes no difference between rows and limits.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures the engine beside its physical limits", long_about = None)]
struct Cli {
    #[command(subcommand)]
    server: Option<ServerCommand>,
    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, Args)]
struct RunOptions {
    /// One short run of each row, to see within a minute that everything works.
    #[arg(long, conflicts_with_all = ["runs", "seconds"])]
    quick: bool,
    /// Only this row; may be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<Row>,
    /// One JSON object a line instead of the table.
    #[arg(long)]
    json: bool,
    /// Number of runs of each row, and of its limit.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds of one run.
    #[arg(long, default_value_t = 5.0, value_name = "S")]
    seconds: f64,
    /// Number of events in the large log of `growth`; each takes some 500 bytes of disk.
    #[arg(long, value_name = "N")]
    growth_events: Option<i64>,
}

/// Hidden subcommands, by which this program starts itself as a server.
#[derive(Debug, Subcommand)]
enum ServerCommand {
    #[command(hide = true)]
    ServeShop(Box<api::config::Options>),
    #[command(hide = true)]
    ServeLimit {
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
    },
    /// Rebuilds read models, and prints how long it took and how much memory it used.
    #[command(hide = true)]
    Rebuild {
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
        models: Vec<projections::ReadModel>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.server {
        Some(ServerCommand::ServeShop(options)) => exit(servers::shop::run(&options).await),
        Some(ServerCommand::ServeLimit { database_url }) => {
            exit(servers::limit::run(&database_url).await)
        }
        Some(ServerCommand::Rebuild { database_url, models }) => {
            exit(rows::rebuild::process::run(&database_url, &models).await)
        }
        None => exit(measure(&cli.options).await),
    }
}

fn exit<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &RunOptions) -> Result<(), BenchError> {
    let rows: &[Row] = if options.only.is_empty() { Row::value_variants() } else { &options.only };
    let (runs, seconds) =
        if options.quick { (1, 0.5) } else { (options.runs.max(1), options.seconds) };
    let time = Duration::try_from_secs_f64(seconds)
        .map_err(|error| BenchError::Incorrect(format!("--seconds: {error}")))?;
    let pace = Pace { runs, time, quick: options.quick };
    let mut sizes = if options.quick { Sizes::QUICK } else { Sizes::FULL };
    sizes.growth.1 = options.growth_events.unwrap_or(sizes.growth.1);
    let shared = SharedServers::new(pace, sizes, rows.len()).await?;
    let measured = measure_all(rows, &shared).await;
    let stopped = shared.stop().await;
    let lines = measured?;
    if options.json {
        report::print_json(&lines);
    } else {
        report::print_table(&lines);
    }
    stopped
}

async fn measure_all(rows: &[Row], shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let mut lines = vec![];
    for row in rows {
        lines.extend(row.run(shared).await?);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_the_page_about_the_benchmark_can_be_parsed() {
        let page = include_str!("../../docs/benchmark.md");
        let mut parsed = 0;
        for (_, command) in page.lines().filter_map(|line| line.split_once("-p bench")) {
            let command = command.split('#').next().unwrap_or_default();
            let arguments = command.split_whitespace().filter(|word| *word != "--");
            Cli::try_parse_from(["bench"].into_iter().chain(arguments)).unwrap();
            parsed += 1;
        }
        assert_eq!(parsed, 3);
    }
}
