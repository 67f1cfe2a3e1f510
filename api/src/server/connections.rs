//! Accepts connections, limits the time of idle connections and of request heads, and closes connections at the end.
//!
//! `axum::serve` has no time limit for heads: a client that sends one byte a minute would hold a socket for ever.
//! Therefore this module uses hyper directly.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{Request, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::head_timer::HeadTimer;
use crate::config::Limits;

/// The pause before the next attempt to accept, when no socket is free. A connection must end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Connections {
    router: Router,
    http: http1::Builder,
    head_within: Duration,
    /// Signals every connection to end after its current request.
    stop: watch::Sender<()>,
    tasks: JoinSet<()>,
}

impl Connections {
    pub(super) fn new(router: Router, limits: &Limits) -> Self {
        let mut http = http1::Builder::new();
        // This time limit runs from the end of the last answer. `HeadTimer` limits the head itself.
        http.header_read_timeout(limits.idle_timeout);
        let (stop, tasks) = (watch::Sender::new(()), JoinSet::new());
        Connections { router, http, head_within: limits.header_timeout, stop, tasks }
    }

    /// Waits for one connection, and serves it in a new task.
    pub(super) async fn accept(&mut self, listener: &TcpListener) {
        match listener.accept().await {
            Ok((stream, peer)) => self.serve(stream, peer),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn serve(&mut self, stream: TcpStream, peer: SocketAddr) {
        // Without this, TCP may hold a small answer back to send it with later bytes, and there are none.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "the client has closed the connection already");
            return;
        }
        let router = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            trim_trailing_slash(request.uri_mut());
            hyper::service::Service::call(&router, request)
        });
        let timer = HeadTimer::new(self.head_within);
        let stream = TokioIo::new(timer.watch(stream));
        let http = self.http.clone().timer(timer).serve_connection(stream, service);
        let connection = http.with_upgrades();
        let mut stop_signal = self.stop.subscribe();
        self.tasks.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                _ = stop_signal.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
        });
    }

    /// Waits at most `timeout` for the requests in progress, then closes the remaining connections.
    pub(super) async fn finish(mut self, timeout: Duration) {
        let Connections { stop, tasks, .. } = &mut self;
        stop.send_replace(());
        let ended =
            tokio::time::timeout(timeout, async { while tasks.join_next().await.is_some() {} })
                .await;
        if ended.is_err() {
            tracing::warn!(
                connections = tasks.len(),
                "closed the connections of requests that did not finish in time"
            );
            tasks.shutdown().await;
        }
    }
}

/// Removes trailing slashes, so that `/shop/` is served like `/shop`. People and programs write both.
fn trim_trailing_slash(uri: &mut Uri) {
    let trimmed = uri.path().trim_end_matches('/');
    if trimmed.len() == uri.path().len() || trimmed.is_empty() {
        return;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    // Without the slashes the text is still a valid path and query, so it can be parsed.
    parts.path_and_query = format!("{trimmed}{query}").parse().ok();
    if let Ok(shorter) = Uri::from_parts(parts) {
        *uri = shorter;
    }
}

/// Whether the error concerns one connection and not the listener.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
