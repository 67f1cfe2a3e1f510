//! The binary `replay-tool`: it reads the log, rebuilds read models, and cannot send commands.
//!
//! Read `cli.rs` (the commands), `database.rs` (where the data is found), then `cmd/`, which has
//! one file for each command.

mod cli;
mod cmd;
mod database;
mod error;
mod interrupt;
mod output;
mod progress;
mod verdict;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::cli::Cli;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(verdict) => verdict.exit_code(),
        Err(error) => {
            if !error.is_of_closed_output() {
                // If standard error is closed too, only the exit code says what happened.
                let _ = writeln!(io::stderr(), "replay-tool: {error}");
            }
            error.exit_code()
        }
    }
}
