//! The server: all routes in one router, and the connections it is served on.

mod connections;
mod cors;
mod head_timer;
mod log;
mod webhooks;

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

use async_graphql::Executor;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

pub use webhooks::Webhooks;

use crate::config::{Cors, Limits};
use crate::graphql_http::{self, Endpoint};
use crate::health::Health;
use crate::metrics::Metrics;

/// A server that is ready to run.
#[derive(Debug)]
pub struct Server {
    router: Router,
    health: Arc<Health>,
    limits: Limits,
}

impl Server {
    pub fn new<E: Executor>(
        graphql: Endpoint<E>,
        webhooks: Webhooks,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
        pages: Router,
        cors: &Cors,
        limits: Limits,
    ) -> Self {
        let mut router = Router::new()
            .merge(graphql.routes())
            .merge(webhooks.routes(&limits))
            .merge(health.clone().routes())
            .merge(metrics.routes())
            .merge(pages)
            .fallback(not_found);
        if let Some(cors) = cors::layer(cors) {
            router = router.layer(cors);
        }
        let router = router
            .layer(CatchPanicLayer::custom(answer_panic))
            .layer(axum::middleware::from_fn(log::log));
        Server { router, health, limits }
    }

    /// Serves until `shutdown` completes, then waits for the requests in progress, at most for the configured time.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let Server { router, health, limits } = self;
        let mut connections = connections::Connections::new(router, &limits);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = connections.accept(&listener) => {}
            }
        }
        health.mark_stopping();
        drop(listener);
        connections.finish(limits.shutdown_timeout).await;
    }
}

async fn not_found() -> Response {
    graphql_http::error(StatusCode::NOT_FOUND, "NOT_FOUND", "nothing is served at this path")
}

/// Answers a request whose handler panicked, so that a bug ends one request and not the connection.
fn answer_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = text, "a handler panicked");
    graphql_http::internal()
}
