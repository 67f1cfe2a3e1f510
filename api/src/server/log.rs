//! One log line and one span per request. They hold neither headers nor query strings: both may have secrets.

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
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Probes come every few seconds and would hide other lines.
    let is_probe = path.starts_with("/health") || path == "/metrics";
    let span = if is_probe { Span::none() } else { span(&request) };
    let trace = Trace::enter(&span, traces::named(request.headers())).unwrap_or_else(Trace::random);
    request.extensions_mut().insert(trace);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if let Ok(id) = HeaderValue::from_str(&trace.id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let (elapsed_ms, trace) = (begun.elapsed().as_secs_f64() * 1000.0, trace.id);
    if is_probe {
        tracing::debug!(%method, path, status, elapsed_ms, %trace, "request");
    } else {
        tracing::info!(%method, path, status, elapsed_ms, %trace, "request");
    }
    response
}

/// The empty fields are recorded later, when they are known.
fn span(request: &Request) -> Span {
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
