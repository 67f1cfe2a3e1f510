//! Tracing: reads the trace that a request belongs to, and exports spans to a collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderName};
use commands::Trace;
use commands::trace::SPANS;
use event_store::time_limits;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::config;

/// The request header in which a client names the trace that its request belongs to.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The response header with the id of the trace. Clients quote it when they report a problem.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Reads the trace that the client names in `traceparent`, in the format of W3C Trace Context.
pub fn read_traceparent(headers: &HeaderMap) -> Option<Trace> {
    // Most clients send no such header, so the propagator is built only if there is one.
    headers.get(TRACEPARENT)?;
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    Trace::from_span(context.span().span_context())
}

/// Renames the request's span to the kind of its operation, which is known only after the document is parsed.
pub fn rename_span(operation: &'static str) {
    let span = Span::current();
    if !span.is_disabled() {
        span.context().span().update_name(operation);
    }
}

/// The running export of spans. Drop it at the end of the program: it then sends the last spans.
#[derive(Debug)]
pub struct Export(SdkTracerProvider);

impl Export {
    /// Starts the export, if a collector is configured. A thread of the OpenTelemetry library sends the spans in
    /// batches.
    ///
    /// # Errors
    /// If the endpoint cannot be used.
    pub fn start(config: &config::Traces) -> Result<Option<Export>, ExporterBuildError> {
        let Some(endpoint) = &config.endpoint else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.expose()))
            .with_timeout(time_limits::TRACE_EXPORT)
            .build()?;
        let resource = Resource::builder().with_service_name(config.service.clone()).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Export(provider)))
    }

    /// The layer that exports the spans of this program. It exports neither log lines nor the spans of libraries.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.0.tracer("cartulary");
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        spans.with_filter(Targets::new().with_target(SPANS, LevelFilter::DEBUG))
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(time_limits::SHUTDOWN_OF_TRACES) {
            tracing::warn!(%error, "the last spans could not be sent to the collector");
        }
    }
}

/// The collector gets one batch after the other, so one idle connection is enough.
const IDLE_CONNECTIONS_MAX: usize = 1;

/// The HTTP client that sends spans to the collector. The OpenTelemetry library calls it from a thread without a
/// Tokio runtime, so it keeps a handle of one.
#[derive(Debug, Clone)]
struct Collector {
    client: commands::HttpClient,
    runtime: Handle,
    is_failing: Arc<AtomicBool>,
}

impl Collector {
    fn new() -> Collector {
        let client = commands::HttpClient::new(IDLE_CONNECTIONS_MAX);
        Collector { client, runtime: Handle::current(), is_failing: Arc::default() }
    }

    /// Logs once when the collector stops accepting spans, and once when it accepts them again.
    fn log_changes(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let error = match answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(response.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let was_failing = self.is_failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_failing => {
                tracing::warn!(error, "the collector does not accept spans; they are dropped")
            }
            None if was_failing => tracing::info!("the collector accepts spans again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send(request, time_limits::TRACE_EXPORT).await });
        let answer = sent.await?.map_err(HttpError::from);
        self.log_changes(&answer);
        answer
    }
}
