//! Webhooks. Their bodies are passed on unchanged, because the senders' signatures cover every byte.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::config::Limits;
use crate::graphql_http::{error, read_body};
use crate::metrics::requests;

type Handler = Arc<dyn Fn(HeaderMap, Bytes) -> BoxFuture<'static, StatusCode> + Send + Sync>;

/// The handlers of webhooks, by the name of the sender.
#[derive(Clone, Default)]
pub struct Webhooks {
    handlers: Vec<(&'static str, Handler)>,
}

impl Webhooks {
    /// Adds a handler for `POST /webhooks/<sender>`.
    #[must_use]
    pub fn on<F>(
        mut self,
        sender: &'static str,
        handler: impl Fn(HeaderMap, Bytes) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = StatusCode> + Send + 'static,
    {
        self.handlers.push((sender, Arc::new(move |headers, body| handler(headers, body).boxed())));
        self
    }

    pub(super) fn routes(self, limits: &Limits) -> Router {
        self.handlers.into_iter().fold(Router::new(), |router, (sender, handler)| {
            let limits = limits.clone();
            let receive = move |request| receive(request, handler.clone(), limits.clone());
            router.route(&format!("/webhooks/{sender}"), post(receive))
        })
    }
}

async fn receive(request: Request<Body>, handler: Handler, limits: Limits) -> Response {
    let (head, body) = request.into_parts();
    let response = match tokio::time::timeout(
        limits.body_timeout,
        read_body(body, limits.webhook_bytes),
    )
    .await
    {
        Ok(Ok(body)) => handler(head.headers, body).await.into_response(),
        Ok(Err(refusal)) => error(refusal.http_status(), refusal.code(), &refusal.to_string()),
        Err(_) => {
            error(StatusCode::REQUEST_TIMEOUT, "BODY_TIMEOUT", "the body did not arrive in time")
        }
    };
    requests::count_webhook(response.status());
    response
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|(sender, _)| sender)).finish()
    }
}
