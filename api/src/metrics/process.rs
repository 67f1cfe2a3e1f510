//! Metrics of the process, under the names that the client libraries of Prometheus use.

use chrono::{DateTime, Utc};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// Registers the metrics. `started_at` is the start of the server. Memory and open files are known on Linux only.
pub(super) fn register(registry: &mut Registry, started_at: DateTime<Utc>) {
    let help = "When the server started, in seconds since 1970";
    let seconds = started_at.timestamp_millis() as f64 / 1_000.0;
    registry.register("process_start_time_seconds", help, ConstGauge::new(seconds));
    if let Some(bytes) = resident_bytes() {
        let help = "Memory in use, in bytes";
        registry.register("process_resident_memory_bytes", help, ConstGauge::new(bytes));
    }
    if let Some(files) = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count) {
        registry.register(
            "process_open_fds",
            "Open files and sockets",
            ConstGauge::new(files as i64),
        );
    }
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
