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

type Probe = Arc<dyn Fn() -> BoxFuture<'static, ProbeResult> + Send + Sync>;

/// What a probe of a dependency found.
#[derive(Debug)]
pub struct ProbeResult {
    pub result: Result<(), String>,
    /// For a dependency that follows the event log: the number of events it has not processed yet.
    pub lag_events: Option<i64>,
}

impl From<Result<(), String>> for ProbeResult {
    fn from(result: Result<(), String>) -> Self {
        ProbeResult { result, lag_events: None }
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
        Check {
            name,
            required: true,
            probe: Arc::new(move || probe().map(ProbeResult::from).boxed()),
        }
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
        F: Future<Output = ProbeResult> + Send + 'static,
    {
        Check { name, required: false, probe: Arc::new(move || probe().boxed()) }
    }

    /// Runs the probe with a time limit.
    async fn run(&self) -> CheckReport {
        let started_at = Instant::now();
        let timed_out =
            |_| Err(format!("no answer within {} s", time_limits::HEALTH_CHECK.as_secs())).into();
        let outcome = tokio::time::timeout(time_limits::HEALTH_CHECK, (self.probe)()).await;
        let ProbeResult { result, lag_events } = outcome.unwrap_or_else(timed_out);
        let error = result.err();
        let status = match (&error, self.required) {
            (None, _) => Status::Ok,
            (Some(_), false) => Status::Degraded,
            (Some(_), true) => Status::Failing,
        };
        let response_time_ms = started_at.elapsed().as_secs_f64() * 1000.0;
        CheckReport { name: self.name, status, response_time_ms, lag_events, error }
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

/// The status of a dependency or of the server. The order counts: the server has the worst status of its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Degraded,
    Failing,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckReport {
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
    /// Shown to staff only, because the text of an error may contain the address of a dependency.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<CheckReport>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    version: &'static str,
    build: &'static str,
    uptime_seconds: u64,
    /// Shown to staff only, because it reveals how busy the shop is. It is a string, because a number in JavaScript
    /// has only 53 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_head: Option<String>,
}

/// Returns the position of the last event in the log, as far as this process knows it.
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

    /// Reports the server as not ready from now on, so that load balancers send requests to other nodes.
    pub fn mark_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Runs all checks at the same time. The first value is the status of the server.
    async fn run_checks(&self) -> (Status, Vec<CheckReport>) {
        let reports = join_all(self.checks.iter().map(Check::run)).await;
        let worst = reports.iter().map(|report| report.status).max().unwrap_or(Status::Ok);
        let stopping = self.stopping.load(Ordering::Relaxed);
        (if stopping { Status::Failing } else { worst }, reports)
    }

    /// Whether the caller is staff. Callers with invalid credentials get the answer for anonymous callers, because
    /// `/health` must always answer.
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
    let (status, _) = health.run_checks().await;
    json(http_status(status), &Report { status, checks: None })
}

async fn report(State(health): State<Arc<Health>>, headers: HeaderMap) -> Response {
    let (status, reports) = health.run_checks().await;
    let checks = health.is_for_staff(&headers).then_some(reports);
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
