//! The benchmark: every row beside its physical limit, in one run, on one machine.
//!
//! Machines like ours swing by a factor of two within an hour, so only ratios mean anything.  Read
//! [`stage`] (what is started, and how a row and its limit take turns), [`rows`], then [`load`] (who
//! asks) and [`check`] (what must hold afterwards).

mod check;
mod error;
mod history;
mod limit;
mod load;
mod market;
mod peers;
mod process;
mod program;
mod report;
mod rows;
mod sample;
mod servers;
mod shop;
mod site;
mod stage;

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;

use crate::error::BenchError;
use crate::report::Line;
use crate::rows::Row;
use crate::site::{Pace, Sizes};
use crate::stage::Stage;

/// The product's allocator, so that limits and rows differ in nothing but what they do.
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
    /// Runs of each row, and as many of its limit.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds of one run.
    #[arg(long, default_value_t = 5.0, value_name = "S")]
    seconds: f64,
    /// Events of the large log of `growth`; some 500 bytes of disk each.
    #[arg(long, value_name = "N")]
    growth_events: Option<i64>,
}

/// What this program starts itself as.
#[derive(Debug, Subcommand)]
enum ServerCommand {
    #[command(hide = true)]
    ServeShop(Box<api::config::Options>),
    #[command(hide = true)]
    ServeLimit {
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
    },
    /// Rebuilds read models, and says how long it took and how much memory.
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
    let stage = Stage::raise(pace, sizes, rows.len()).await?;
    let measured = measure_all(rows, &stage).await;
    let struck = stage.strike().await;
    let lines = measured?;
    match options.json {
        true => report::print_json(&lines),
        false => report::print_table(&lines),
    }
    struck
}

async fn measure_all(rows: &[Row], stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let mut lines = vec![];
    for row in rows {
        lines.extend(row.run(stage).await?);
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
