//! Counters and times of GraphQL requests and webhooks.

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

static REQUESTS: LazyLock<Family<Ended, Counter>> = LazyLock::new(Family::default);

/// 500 µs to 8 s: longer than an operation may take.
static SECONDS: LazyLock<Family<Kind, Histogram>> = LazyLock::new(|| {
    Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_5, 2.0, 15)))
});

/// Requests that hold a slot.
pub static IN_FLIGHT: LazyLock<Gauge> = LazyLock::new(Gauge::default);

/// Resolvers that failed; their clients got the code `INTERNAL`.
pub static RESOLVER_FAILURES: LazyLock<Counter> = LazyLock::new(Counter::default);

static WEBHOOKS: LazyLock<Family<Received, Counter>> = LazyLock::new(Family::default);

pub(super) fn register(registry: &mut Registry) {
    let help = "GraphQL requests by kind of operation and outcome: OK, ERRORS, HUNG_UP or the code \
                of a refusal, such as RATE_LIMITED";
    registry.register("requests", help, REQUESTS.clone());
    let help = "How long GraphQL requests took";
    registry.register("request_seconds", help, SECONDS.clone());
    let help =
        "GraphQL requests in progress, without those that only wait for the payment provider";
    registry.register("requests_in_flight", help, IN_FLIGHT.clone());
    let help = "Resolvers that failed; their clients got INTERNAL";
    registry.register("resolver_faults", help, RESOLVER_FAILURES.clone());
    let help = "Webhooks by the status they were answered with";
    registry.register("webhooks", help, WEBHOOKS.clone());
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Received {
    status: u16,
}

/// A request in progress; it is counted when it ends, however it ends.
#[derive(Debug)]
pub struct RequestMeter {
    started: Instant,
    /// `query` or `mutation`, once that is known.
    operation: &'static str,
    outcome: &'static str,
}

impl RequestMeter {
    pub fn start() -> RequestMeter {
        RequestMeter { started: Instant::now(), operation: "unknown", outcome: "HUNG_UP" }
    }

    pub fn set_operation(&mut self, operation: &'static str) {
        self.operation = operation;
        traces::name_after(operation);
    }

    /// `outcome` is `OK`, `ERRORS` or the code of a refusal.
    pub fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
        tracing::Span::current().record("graphql.outcome", outcome);
    }
}

impl Drop for RequestMeter {
    fn drop(&mut self) {
        let RequestMeter { started, operation, outcome } = *self;
        REQUESTS.get_or_create(&Ended { operation, outcome }).inc();
        SECONDS.get_or_create(&Kind { operation }).observe(started.elapsed().as_secs_f64());
    }
}

pub fn webhook_answered(status: StatusCode) {
    WEBHOOKS.get_or_create(&Received { status: status.as_u16() }).inc();
}
