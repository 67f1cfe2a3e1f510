//! The peers of the row `store_command`: the same carts on other event stores, each set up as its
//! authors say.
//!
//! Read [`cart`] (the work), [`load`] (who asks for it), then a peer: [`cqrs`] or [`esrs`].

mod cart;
mod cqrs;
mod esrs;
mod load;

use clap::{Parser, ValueEnum};
use sqlx::postgres::PgPoolOptions;

use crate::load::{Failure, Load};

#[derive(Debug, Parser)]
#[command(name = "peers", about = "Puts lines into carts on another event store", long_about = None)]
struct Cli {
    peer: PeerName,
    /// Of a database that this peer alone uses.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    #[arg(long, default_value_t = 64)]
    writers: usize,
    /// New carts, among which each writer chooses anew for each command.
    #[arg(long, default_value_t = 1_000)]
    streams: usize,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Connections of the pool.
    #[arg(long, default_value_t = 64)]
    connections: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PeerName {
    CqrsEs,
    Esrs,
}

/// Prints one JSON object: how often, how fast, how many were refused for good.
#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cli = Cli::parse();
    let pool = PgPoolOptions::new()
        .min_connections(cli.connections)
        .max_connections(cli.connections)
        .connect(&cli.database_url)
        .await?;
    let load = Load::new(cli.writers, cli.streams, cli.seconds)?;
    let report = match cli.peer {
        PeerName::CqrsEs => load.run("cqrs-es", cqrs::CqrsEs::open(pool).await?).await?,
        PeerName::Esrs => load.run("esrs", esrs::Esrs::open(pool).await?).await?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
