//! Starts a server on a free port, with a client that shows status, headers and body.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::auth::{AuthSettings, Authenticator, Role};
use api::config::{Config, Cors, Environment, Limits, Mail, Payments, Traces};
use api::graphql_http::Schemas;
use api::health::Check;
use api::secret::Secret;
use api::serve::{ServerParts, server};
use api::server::Webhooks;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use chrono::Utc;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::schema::{self, Gate};

/// The secret that signs the simulated provider's webhooks.
pub(crate) const HOOK_SECRET: &str = "hook of more than thirty-two bytes";

/// A running server. It stops when the test ends.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) auth: Authenticator,
    /// Opens the gate at which resolvers wait.
    pub(crate) gate: Gate,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<()>,
}

/// What a test can change before the server starts.
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) checks: Vec<Check>,
    pub(crate) webhooks: Webhooks,
}

pub(crate) fn setup() -> Setup {
    let secret = |text: &str| Secret::new(format!("{text} of more than thirty-two bytes"));
    let config = Config {
        environment: Environment::Development,
        listen: "127.0.0.1:0".to_owned(),
        data_dir: std::env::temp_dir(),
        database_url: None,
        demo: false,
        introspection: true,
        pages: true,
        auth: AuthSettings {
            jwt_issuer: "cartulary".to_owned(),
            jwt_audience: "cartulary".to_owned(),
            jwt_secret: secret("jwt"),
            cart_token_secret: secret("cart"),
            api_keys: Vec::new(),
        },
        payments: Payments::Simulated { webhook_secret: Secret::new(HOOK_SECRET) },
        cors: Cors::Localhost,
        cart_idle: Duration::from_secs(7 * 86_400),
        reservation: Duration::from_secs(900),
        reservation_cap: Duration::from_secs(3600),
        authorization: Duration::from_secs(7 * 86_400),
        payment_retry: Duration::from_secs(1),
        charges: Default::default(),
        mail: Mail::to_folder(),
        nats: None,
        traces: Traces::off(),
        // All requests of a test come from one address, so the rate limit is high.
        limits: Limits { rate: 0, ..Limits::default() },
        log: "off".to_owned(),
    };
    Setup { config, checks: Vec::new(), webhooks: Webhooks::default() }
}

impl Setup {
    pub(crate) async fn start(self) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Gate::default();
        let schemas = Schemas::build(|mode| schema::schema(gate.clone(), mode));
        let parts = ServerParts {
            sdl: schemas.strict.sdl(),
            schemas,
            webhooks: self.webhooks,
            checks: self.checks,
            log_head: Arc::new(|| Some(42)),
            sampler: Arc::new(|| Box::pin(async { Default::default() })),
            address,
        };
        let server =
            server(&self.config, parts, Arc::new(Authenticator::new(&self.config.auth))).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(listener, async { drop(stopped.await) }));
        Running {
            address,
            auth: Authenticator::new(&self.config.auth),
            gate,
            stop: Some(stop),
            task,
        }
    }
}

pub(crate) async fn start() -> Running {
    setup().start().await
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The first error's `extensions.code`, or an empty string.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Running {
    pub(crate) fn bearer(&self, role: Role) -> String {
        let token = self.auth.issue("somebody", role, Duration::from_secs(60), Utc::now()).unwrap();
        format!("Bearer {token}")
    }

    /// Starts the shutdown of the server.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(body.into())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], "").await
    }

    /// Sends a query that accepts the newer media type.
    pub(crate) async fn query(&self, query: &str) -> Answer {
        self.query_with(query, &[]).await
    }

    pub(crate) async fn query_with(&self, query: &str, headers: &[(&str, &str)]) -> Answer {
        self.post(&json!({"query": query}), headers).await
    }

    pub(crate) async fn post(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        if !headers.iter().any(|(name, _)| *name == "accept") {
            all.push(("accept", "application/graphql-response+json"));
        }
        all.extend_from_slice(headers);
        self.request(Method::POST, "/graphql", &all, body.to_string()).await
    }
}
