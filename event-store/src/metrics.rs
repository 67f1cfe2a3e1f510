//! Metrics of the appenders of this process.

use std::sync::LazyLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Buckets from 1 to 1,024 items: a batch is limited by its number of events, and only check-only
/// items have none.
pub(crate) static BATCH_ITEMS: LazyLock<Histogram> =
    LazyLock::new(|| Histogram::new(exponential_buckets(1.0, 2.0, 11)));

/// Buckets from 250 µs to 4 s: from a commit on a fast disk to a Postgres that barely answers.
pub(crate) static APPEND_SECONDS: LazyLock<Histogram> =
    LazyLock::new(|| Histogram::new(exponential_buckets(0.000_25, 2.0, 15)));

/// Batches that have to be sent again because their outcome is unknown.
pub(crate) static FAILURES: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Registers the metrics under `append_…`.
pub fn register(registry: &mut Registry) {
    let registry = registry.sub_registry_with_prefix("append");
    registry.register(
        "batch_items",
        "Commands that were appended by one statement",
        BATCH_ITEMS.clone(),
    );
    registry.register(
        "seconds",
        "How long it took from sending a batch to knowing that it is durable",
        APPEND_SECONDS.clone(),
    );
    registry.register(
        "failures",
        "Attempts to append after which a batch had to be sent again",
        FAILURES.clone(),
    );
}
