//! Counters and durations of GraphQL requests and webhooks.

use std::sync::LazyLock;
use std::time::Instant;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::traces;

/// GraphQL requests that have ended.
static REQUESTS: LazyLock<Family<RequestLabels, Counter>> = LazyLock::new(Family::default);

/// The durations of GraphQL requests. The buckets go from 500 µs to 8 s, which is longer than an operation may take.
static SECONDS: LazyLock<Family<OperationLabel, Histogram>> = LazyLock::new(|| {
    Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_5, 2.0, 15)))
});

/// The number of requests that hold a slot.
pub static IN_FLIGHT: LazyLock<Gauge> = LazyLock::new(Gauge::default);

/// Resolvers that failed with an internal error. Their clients got the code `INTERNAL`.
pub static RESOLVER_FAILURES: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Webhooks that were answered.
static WEBHOOKS: LazyLock<Family<WebhookLabel, Counter>> = LazyLock::new(Family::default);

pub(super) fn register(registry: &mut Registry) {
    let help = "GraphQL requests by kind of operation and outcome: OK, ERRORS, HUNG_UP (the client \
                closed the connection) or the code of a refusal, such as RATE_LIMITED";
    registry.register("requests", help, REQUESTS.clone());
    let help = "Duration of GraphQL requests in seconds";
    registry.register("request_seconds", help, SECONDS.clone());
    let help =
        "GraphQL requests in progress, without those that only wait for the payment provider";
    registry.register("requests_in_flight", help, IN_FLIGHT.clone());
    let help = "Resolvers that failed with an internal error; their clients got the code INTERNAL";
    registry.register("resolver_faults", help, RESOLVER_FAILURES.clone());
    let help = "Webhooks by the status they were answered with";
    registry.register("webhooks", help, WEBHOOKS.clone());
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabel {
    status: u16,
}

/// Measures one request. The request is counted when the meter is dropped; if `end` was not called before, the client
/// has closed the connection.
#[derive(Debug)]
pub struct RequestMeter {
    started: Instant,
    /// `query`, `mutation` or `subscription`; `unknown` until the document is parsed.
    operation: &'static str,
    outcome: &'static str,
}

impl RequestMeter {
    pub fn start() -> RequestMeter {
        RequestMeter { started: Instant::now(), operation: "unknown", outcome: "HUNG_UP" }
    }

    pub fn set_operation(&mut self, operation: &'static str) {
        self.operation = operation;
        traces::rename_span(operation);
    }

    /// Ends the request with an outcome: `OK`, `ERRORS` or the code of a refusal.
    pub fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
        tracing::Span::current().record("graphql.outcome", outcome);
    }
}

impl Drop for RequestMeter {
    fn drop(&mut self) {
        let RequestMeter { started, operation, outcome } = *self;
        REQUESTS.get_or_create(&RequestLabels { operation, outcome }).inc();
        SECONDS
            .get_or_create(&OperationLabel { operation })
            .observe(started.elapsed().as_secs_f64());
    }
}

/// Counts a webhook that was answered with this status.
pub fn count_webhook(status: StatusCode) {
    WEBHOOKS.get_or_create(&WebhookLabel { status: status.as_u16() }).inc();
}
