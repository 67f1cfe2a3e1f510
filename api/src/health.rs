//! Health: whether the process lives, whether it is ready for requests, and the state of each dependency.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use event_store::time_limits;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use serde::Serialize;

use crate::auth::Authenticator;

type Probe = Arc<dyn Fn() -> BoxFuture<'static, Outcome> + Send + Sync>;

/// The result of a check.
#[derive(Debug)]
pub struct Outcome {
    pub result: Result<(), String>,
    /// How many events a dependency that follows the log lags behind.
    pub lag_events: Option<i64>,
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Self {
        Outcome { result, lag_events: None }
    }
}

/// A named check of a dependency.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    required: bool,
    probe: Probe,
}

impl Check {
    /// A dependency without which no request can be served.
    pub fn required<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Check { name, required: true, probe: Arc::new(move || probe().map(Outcome::from).boxed()) }
    }

    /// A dependency without which most requests can still be served.
    pub fn optional<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Check { required: false, ..Check::required(name, probe) }
    }

    /// An optional dependency that follows the log and may lag behind.
    pub fn follower<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Check { name, required: false, probe: Arc::new(move || probe().boxed()) }
    }

    async fn run(&self) -> Finding {
        let begun = Instant::now();
        let late =
            |_| Err(format!("no answer within {} s", time_limits::HEALTH_CHECK.as_secs())).into();
        let outcome = tokio::time::timeout(time_limits::HEALTH_CHECK, (self.probe)()).await;
        let Outcome { result, lag_events } = outcome.unwrap_or_else(late);
        let error = result.err();
        let status = match (&error, self.required) {
            (None, _) => Status::Ok,
            (Some(_), false) => Status::Degraded,
            (Some(_), true) => Status::Failing,
        };
        let response_time_ms = begun.elapsed().as_secs_f64() * 1000.0;
        Finding { name: self.name, status, response_time_ms, lag_events, error }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

/// From good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Degraded,
    Failing,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    name: &'static str,
    status: Status,
    response_time_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_events: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Report {
    status: Status,
    /// For staff only: an error's text may say where the dependency lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Finding>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    version: &'static str,
    build: &'static str,
    uptime_seconds: u64,
    /// For staff only: it tells how busy the shop is.  A string, as JavaScript has 53 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_head: Option<String>,
}

/// The position of the log's last event, as this process knows it.
pub type LogHead = Arc<dyn Fn() -> Option<i64> + Send + Sync>;

/// The state behind `/health`.
pub struct Health {
    checks: Vec<Check>,
    log_head: LogHead,
    auth: Arc<Authenticator>,
    started: Instant,
    stopping: AtomicBool,
}

impl Health {
    pub fn new(checks: Vec<Check>, log_head: LogHead, auth: Arc<Authenticator>) -> Arc<Self> {
        Arc::new(Health {
            checks,
            log_head,
            auth,
            started: Instant::now(),
            stopping: AtomicBool::new(false),
        })
    }

    pub fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .route("/health", get(report))
            .route("/health/info", get(info))
            .with_state(self)
    }

    /// From now on the server is not ready, so that requests go to other nodes.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Runs all checks at once, so that it takes as long as the slowest.
    async fn report(&self) -> (Status, Vec<Finding>) {
        let findings = join_all(self.checks.iter().map(Check::run)).await;
        let worst = findings.iter().map(|finding| finding.status).max().unwrap_or(Status::Ok);
        let stopping = self.stopping.load(Ordering::Relaxed);
        (if stopping { Status::Failing } else { worst }, findings)
    }

    /// Invalid credentials get the answer of anonymous callers: health must always answer.
    fn is_for_staff(&self, headers: &HeaderMap) -> bool {
        self.auth.identify(headers).is_ok_and(|identity| identity.caller.is_staff())
    }
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health").field("checks", &self.checks).finish_non_exhaustive()
    }
}

async fn live() -> Response {
    json(StatusCode::OK, &Report { status: Status::Ok, checks: None })
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let (status, _) = health.report().await;
    json(http_status(status), &Report { status, checks: None })
}

async fn report(State(health): State<Arc<Health>>, headers: HeaderMap) -> Response {
    let (status, findings) = health.report().await;
    let checks = health.is_for_staff(&headers).then_some(findings);
    json(http_status(status), &Report { status, checks })
}

async fn info(State(health): State<Arc<Health>>, headers: HeaderMap) -> Response {
    let log_head = health.is_for_staff(&headers).then(|| (health.log_head)()).flatten();
    let info = Info {
        version: env!("CARGO_PKG_VERSION"),
        build: option_env!("CARTULARY_BUILD").unwrap_or("unknown"),
        uptime_seconds: health.started.elapsed().as_secs(),
        log_head: log_head.map(|head| head.to_string()),
    };
    json(StatusCode::OK, &info)
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    match serde_json::to_string(body) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the health report cannot be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn http_status(status: Status) -> StatusCode {
    match status {
        Status::Ok | Status::Degraded => StatusCode::OK,
        Status::Failing => StatusCode::SERVICE_UNAVAILABLE,
    }
}
