//! The client for HTTP requests to other services.

use std::error::Error;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The longest answer that is read, since it is held in memory.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// HTTP/1.1, with TLS under Mozilla's root certificates. Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("there was no answer within {}s", .0.as_secs())]
    Timeout(Duration),
    #[error("{}", with_causes(.0))]
    Request(#[source] hyper_util::client::legacy::Error),
    #[error("the answer could not be read: {}", with_causes(&**.0))]
    Answer(#[source] Box<dyn Error + Send + Sync>),
}

impl HttpClient {
    /// Keeps at most `idle_connections_max` unused connections to each host.
    ///
    /// If a host closes such a connection while the next request is being sent, that request
    /// fails.
    pub fn new(idle_connections_max: usize) -> HttpClient {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http();
        let connector = connector.enable_http1().wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        HttpClient(client.pool_max_idle_per_host(idle_connections_max).build(connector))
    }

    /// Sends the request once and reads the whole answer, whatever its status. Both together may
    /// take `timeout`.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, HttpError> {
        let exchange = tokio::time::timeout(timeout, self.exchange(request));
        exchange.await.unwrap_or(Err(HttpError::Timeout(timeout)))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.0.request(request.map(Full::new)).await.map_err(HttpError::Request)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        Ok(Response::from_parts(head, body.map_err(HttpError::Answer)?.to_bytes()))
    }
}

/// The error with its causes; without them it would only say "client error (Connect)".
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
