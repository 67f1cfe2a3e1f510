//! One log line and one span per request. They contain neither headers nor query strings, because both may contain
//! secrets.

use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use commands::Trace;
use commands::trace::SPANS;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::traces::{self, REQUEST_ID};

pub(super) async fn log(mut request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Probes come every few seconds, so their lines would hide the others.
    let is_probe = path.starts_with("/health") || path == "/metrics";
    let span = if is_probe { Span::none() } else { new_span(&request) };
    let trace = Trace::enter(&span, traces::read_traceparent(request.headers()))
        .unwrap_or_else(Trace::random);
    request.extensions_mut().insert(trace);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if let Ok(id) = HeaderValue::from_str(&trace.id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    // Whole microseconds, so that the line does not show digits without a meaning.
    let elapsed_ms = started_at.elapsed().as_micros() as f64 / 1000.0;
    let trace = trace.id;
    if is_probe {
        tracing::debug!(%method, path, status, elapsed_ms, %trace, "request");
    } else {
        tracing::info!(%method, path, status, elapsed_ms, %trace, "request");
    }
    response
}

/// The span of a request. Its empty fields are recorded later, when their values are known.
fn new_span(request: &Request) -> Span {
    tracing::debug_span!(
        target: SPANS,
        "request",
        otel.kind = "server",
        otel.name = request.method().as_str(),
        http.request.method = request.method().as_str(),
        url.path = request.uri().path(),
        http.response.status_code = Empty,
        graphql.outcome = Empty,
    )
}
