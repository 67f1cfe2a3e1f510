//! `GET /metrics`: figures of this process and of the shop, for Prometheus.
//!
//! Counters are incremented where something happens; gauges are read when the metrics are requested
//! ([`sample`]). No credentials are needed, as for `/health/live`: there is no secret, name or id in it.

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

/// Gauges are read at most this often, because anybody may request the metrics.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Reads the gauges.
pub type Sampler = Arc<dyn Fn() -> BoxFuture<'static, Registry> + Send + Sync>;

/// The state behind `/metrics`.
pub struct Metrics {
    counted: Registry,
    sampler: Sampler,
    /// The gauges as text, and when they were read.
    sampled: Mutex<Option<(Instant, String)>>,
}

impl Metrics {
    pub fn new(sampler: Sampler) -> Arc<Metrics> {
        let mut counted = Registry::with_prefix(PREFIX);
        requests::register(&mut counted);
        commands::metrics::register(&mut counted);
        event_store::metrics::register(&mut counted);
        Arc::new(Metrics { counted, sampler, sampled: Mutex::default() })
    }

    pub fn routes(self: Arc<Self>) -> Router {
        Router::new().route("/metrics", get(metrics)).with_state(self)
    }

    async fn text(&self) -> Result<String, fmt::Error> {
        let mut text = self.sampled().await?;
        encode_registry(&mut text, &self.counted)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    /// Requests at the same time wait for one reading.
    async fn sampled(&self) -> Result<String, fmt::Error> {
        let mut sampled = self.sampled.lock().await;
        if let Some((at, text)) = &*sampled
            && at.elapsed() < SAMPLE_EVERY
        {
            return Ok(text.clone());
        }
        let mut text = String::new();
        encode_registry(&mut text, &(self.sampler)().await)?;
        *sampled = Some((Instant::now(), text.clone()));
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("counted", &self.counted).finish_non_exhaustive()
    }
}

async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    match metrics.text().await {
        Ok(text) => (headers, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
