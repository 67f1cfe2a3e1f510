//! The peers: other event stores under the load of `store_command`. A separate program runs them,
//! since the product must not depend on their crates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use crate::error::BenchError;
use crate::program::output_of;
use crate::sample::Sample;
use crate::shared_servers::SharedServers;

/// The path of the program `bench/peers`.
#[derive(Debug)]
pub struct Peers(PathBuf);

/// The last line that the program prints.
#[derive(Deserialize)]
struct PeerResult {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    errors: u64,
}

impl Peers {
    /// Finds the program, or builds it. If that fails, warns with the reason and returns None.
    pub async fn find(shared: &SharedServers) -> Option<Peers> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let program = workspace.join("target/release/peers");
        if !program.exists()
            && let Err(error) = build(shared, &workspace).await
        {
            shared.warn(&format!("the peers are left out: {error}"));
            return None;
        }
        Some(Peers(program))
    }

    /// Adds lines to new carts of one peer.
    pub async fn run(
        &self,
        peer: &str,
        url: &str,
        (writers, carts): (usize, usize),
        time: Duration,
    ) -> Result<Sample, BenchError> {
        let mut program = Command::new(&self.0);
        program.arg(peer).args(["--writers", &writers.to_string()]);
        program.args(["--streams", &carts.to_string()]);
        program.args(["--seconds", &time.as_secs_f64().to_string()]);
        let output = output_of(peer, program.env("DATABASE_URL", url)).await?;
        let report: PeerResult = serde_json::from_slice(&output)?;
        match report.errors {
            0 => Ok(Sample {
                per_second: report.per_second,
                p50_ms: Some(report.p50_ms),
                p99_ms: Some(report.p99_ms),
            }),
            _ => Err(BenchError::answer(format!("{peer} was refused"), &output)),
        }
    }
}

async fn build(shared: &SharedServers, workspace: &Path) -> Result<(), BenchError> {
    shared.message("building the peers, once: some minutes");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--manifest-path"]);
    build.arg(workspace.join("Cargo.toml"));
    // The target directory of a build in this workspace.
    build.env("CARGO_TARGET_DIR", workspace.join("target"));
    output_of("cargo build", &mut build).await.map(drop)
}
