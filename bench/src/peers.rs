//! The peers: other event stores under the load of `store_command`, run by a program of their own,
//! because their dependencies are none of the product's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use crate::error::BenchError;
use crate::program::printed;
use crate::sample::Sample;
use crate::stage::Stage;

/// The program `bench/peers`.
#[derive(Debug)]
pub struct Peers(PathBuf);

/// The last line of what it prints.
#[derive(Deserialize)]
struct Report {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    errors: u64,
}

impl Peers {
    /// Finds the program, or builds it; none, and a word about why, where that fails.
    pub async fn find(stage: &Stage) -> Option<Peers> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let program = workspace.join("target/release/peers");
        if !program.exists()
            && let Err(error) = build(stage, &workspace).await
        {
            stage.warn(&format!("the peers are left out: {error}"));
            return None;
        }
        Some(Peers(program))
    }

    /// Puts lines into new carts of one peer.
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
        let said = printed(peer, program.env("DATABASE_URL", url)).await?;
        let report: Report = serde_json::from_slice(&said)?;
        match report.errors {
            0 => Ok(Sample {
                per_second: report.per_second,
                p50_ms: Some(report.p50_ms),
                p99_ms: Some(report.p99_ms),
            }),
            _ => Err(BenchError::answer(format!("{peer} was refused"), &said)),
        }
    }
}

async fn build(stage: &Stage, workspace: &Path) -> Result<(), BenchError> {
    stage.message("building the peers, once: some minutes");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--manifest-path"]);
    build.arg(workspace.join("Cargo.toml"));
    // The program is looked for where the workspace builds by itself.
    build.env("CARGO_TARGET_DIR", workspace.join("target"));
    printed("cargo build", &mut build).await.map(drop)
}
