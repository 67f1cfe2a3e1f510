//! The binary `replay-tool`: it reads the log, rebuilds read models, and sends no command.
//!
//! Read `cli.rs` (the commands), `database.rs` (where the data is found), then `cmd/`, one command a
//! file.

mod cli;
mod cmd;
mod database;
mod error;
mod output;
mod progress;

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
                eprintln!("replay-tool: {error}");
            }
            error.exit_code()
        }
    }
}
