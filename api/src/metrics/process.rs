//! The process, under the names that Prometheus' own libraries use.

use chrono::{DateTime, Utc};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// `began` is when the server was made. Memory and open files are registered on Linux only.
pub(super) fn register(registry: &mut Registry, began: DateTime<Utc>) {
    let help = "When the server began, in seconds since 1970";
    let began = began.timestamp_millis() as f64 / 1_000.0;
    registry.register("process_start_time_seconds", help, ConstGauge::new(began));
    if let Some(bytes) = resident_bytes() {
        let help = "Memory in use";
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
