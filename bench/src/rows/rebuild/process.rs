//! The process that rebuilds; it does what `replay-tool rebuild` does.

use std::time::Instant;

use event_store::{EventStore, StoreOptions};
use projections::ReadModel;
use projections::rebuild::{RebuildMode, rebuild_all};
use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::process;

/// The result, which the process prints.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rebuilt {
    pub seconds: f64,
    /// The peak of resident memory.
    pub peak_mb: f64,
    /// The number of rows, by the read model's name.
    pub rows: Vec<(String, i64)>,
}

pub async fn run(database_url: &str, models: &[ReadModel]) -> Result<(), BenchError> {
    let options = StoreOptions { upcasters: domain::upcasters(), ..StoreOptions::default() };
    let store = EventStore::connect(database_url, options).await?;
    let began = Instant::now();
    let reports = rebuild_all(&store, models, RebuildMode::Replace, |_| ()).await;
    let seconds = began.elapsed().as_secs_f64();
    store.shutdown().await;
    let mut rows = vec![];
    for (model, report) in reports {
        rows.push((model.name().to_owned(), report?.rows));
    }
    let peak_mb = process::memory(std::process::id())?.peak;
    let rebuilt = Rebuilt { seconds, peak_mb, rows };
    println!("{}", serde_json::to_string(&rebuilt)?);
    Ok(())
}
