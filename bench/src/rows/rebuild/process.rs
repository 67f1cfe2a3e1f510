//! The process that rebuilds: what it does is what `replay-tool rebuild` does.

use std::time::Instant;

use event_store::{EventStore, Options};
use projections::ReadModel;
use projections::rebuild::{Mode, rebuild};
use serde::{Deserialize, Serialize};

use crate::error::BenchError;

/// What it prints.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rebuilt {
    pub seconds: f64,
    /// The most memory that was resident at once.
    pub peak_kib: u64,
    /// By the read model's name.
    pub rows: Vec<(String, i64)>,
}

pub async fn run(database_url: &str, models: &[ReadModel]) -> Result<(), BenchError> {
    let store = EventStore::connect(database_url, Options::default()).await?;
    let began = Instant::now();
    let rows = rebuild_all(&store, models).await?;
    let seconds = began.elapsed().as_secs_f64();
    store.shutdown().await;
    let rebuilt = Rebuilt { seconds, peak_kib: peak_kib()?, rows };
    println!("{}", serde_json::to_string(&rebuilt)?);
    Ok(())
}

async fn rebuild_all(
    store: &EventStore,
    models: &[ReadModel],
) -> Result<Vec<(String, i64)>, BenchError> {
    let mut rows = vec![];
    for model in models {
        let report = rebuild(store, *model, Mode::Replace, |_| ()).await?;
        rows.push((model.name().to_owned(), report.rows));
    }
    Ok(rows)
}

/// `VmHWM` of this process.
fn peak_kib() -> Result<u64, BenchError> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let figure = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    figure.ok_or_else(|| BenchError::Incorrect("/proc/self/status has no VmHWM".to_owned()))
}
