//! `GET /metrics`: figures of this process and of the shop, for Prometheus.
//!
//! Counters are incremented where something happens. Gauges are read when the metrics are requested
//! ([`sample`]). As for `/health/live`, no credentials are needed, because the metrics contain no secret, name or id.

mod process;
pub mod requests;
mod sample;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::BoxFuture;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;

pub use sample::Sources;

const PREFIX: &str = "cartulary";
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The gauges are read at most once in this time, because anyone may request the metrics.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Reads the gauges into a registry.
pub type Sampler = Arc<dyn Fn() -> BoxFuture<'static, Registry> + Send + Sync>;

/// The state behind `/metrics`.
pub struct Metrics {
    counters: Registry,
    sampler: Sampler,
    /// The gauges as text, and when they were read.
    gauges: Mutex<Option<(Instant, String)>>,
}

impl Metrics {
    pub fn new(sampler: Sampler) -> Arc<Metrics> {
        let mut counters = Registry::with_prefix(PREFIX);
        requests::register(&mut counters);
        commands::metrics::register(&mut counters);
        event_store::metrics::register(&mut counters);
        Arc::new(Metrics { counters, sampler, gauges: Mutex::default() })
    }

    pub fn routes(self: Arc<Self>) -> Router {
        Router::new().route("/metrics", get(metrics)).with_state(self)
    }

    async fn render(&self) -> Result<String, fmt::Error> {
        let mut text = self.read_gauges().await?;
        encode_registry(&mut text, &self.counters)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    /// The gauges as text. Requests that arrive at the same time share one reading.
    async fn read_gauges(&self) -> Result<String, fmt::Error> {
        let mut gauges = self.gauges.lock().await;
        if let Some((at, text)) = &*gauges
            && at.elapsed() < SAMPLE_EVERY
        {
            return Ok(text.clone());
        }
        let mut text = String::new();
        encode_registry(&mut text, &(self.sampler)().await)?;
        *gauges = Some((Instant::now(), text.clone()));
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("counters", &self.counters).finish_non_exhaustive()
    }
}

async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    match metrics.render().await {
        Ok(text) => (headers, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
