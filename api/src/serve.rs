//! `cartulary serve`: where the parts come together.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use chrono::Utc;
use commands::inbox::{Inbox, InboxError};
use commands::relay::Relay;
use projections::ReadModels;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, StartError};
use crate::auth::{Authenticator, IssueError, Role};
use crate::config::Config;
use crate::database::{Database, DatabaseError};
use crate::graphql::{self, Schema, schema};
use crate::graphql_http::{Endpoint, Schemas};
use crate::health::{Check, Health, LogHead, Outcome};
use crate::metrics::{Metrics, Sampler, Sources};
use crate::pages;
use crate::server::{Server, Webhooks};

/// Development tokens last a working day.
const DEVELOPMENT_TTL: Duration = Duration::from_secs(8 * 3600);

/// Events that were not relayed by then are worth a look.
const RELAYED_WITHIN: Duration = Duration::from_secs(30);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("CARTULARY_LISTEN {address}: {source}")]
    Listen { address: String, source: std::io::Error },
    #[error("the signal handlers: {0}")]
    Signals(std::io::Error),
    #[error("the development tokens: {0}")]
    Tokens(#[from] IssueError),
    #[error("the schema's own text cannot be read: {0}")]
    Schema(#[from] async_graphql::parser::Error),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the shop does not start: {0}")]
    Start(#[from] StartError),
}

/// What the server is given by the rest of the program.
pub struct ServerParts<E> {
    pub schemas: Schemas<E>,
    /// The schema's text, for `/graphql/schema`.
    pub sdl: String,
    pub webhooks: Webhooks,
    pub checks: Vec<Check>,
    pub log_head: LogHead,
    /// How things stand, for `/metrics`.
    pub sampler: Sampler,
}

impl<E> std::fmt::Debug for ServerParts<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerParts")
            .field("webhooks", &self.webhooks)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

/// Runs everything until Ctrl-C or SIGTERM.
pub async fn run(config: Config) -> Result<(), ServeError> {
    let shutdown = stop_signal()?;
    let database = Database::open(&config).await?;
    database.migrate().await?;
    let served = serve(&config, &database, shutdown).await;
    database.close().await?;
    served
}

/// Serves the shop in this database at the configured address until `shutdown`.
pub async fn serve(
    config: &Config,
    database: &Database,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let listen = |source| ServeError::Listen { address: config.listen.clone(), source };
    let listener = TcpListener::bind(&config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let auth = Arc::new(Authenticator::new(&config.auth));
    let app = App::start(config, database.url(), auth.clone(), address).await?;
    let server = server(config, server_parts(&app), auth.clone())?;
    print!("{}", welcome(config, &auth, &address.to_string())?);
    tracing::info!(%address, environment = config.environment.as_str(), "serving");
    server.run(listener, shutdown).await;
    app.stop().await;
    tracing::info!("stopped serving");
    Ok(())
}

fn server_parts(app: &App) -> ServerParts<Schema> {
    let schemas =
        Schemas::build(|mode| schema().validation_mode(mode).data(app.shop.clone()).finish());
    let sdl = graphql::sdl(&schemas.strict);
    let (inbox, letters) = (app.inbox.clone(), app.inbox.clone());
    let provider = app.shop.provider.clone();
    let signature = provider.signature_header();
    let webhooks = Webhooks::default().on(provider.name(), move |headers, body| {
        let inbox = inbox.clone();
        async move { receive(&inbox, headers.get(signature), &body).await }
    });
    let (store, pool) = (app.shop.bus.store().clone(), app.shop.bus.store().pool().clone());
    let mut checks = vec![
        Check::required("postgres", move || ping(pool.clone())),
        Check::optional("webhooks", move || applied(letters.clone())),
        Check::optional("projections", {
            let read_models = app.shop.read_models.clone();
            move || unstopped(read_models.clone())
        }),
        Check::optional("payments", move || {
            let provider = provider.clone();
            async move { provider.check().await }
        }),
    ];
    if app.relay.has_broker() {
        let relay = app.relay.clone();
        checks.push(Check::follower("relay", move || relayed(relay.clone())));
    }
    let log_head = Arc::new(move || Some(store.known_head()));
    let sources = Sources {
        store: app.shop.bus.store().clone(),
        read_models: app.shop.read_models.clone(),
        inbox: app.inbox.clone(),
        provider: app.shop.provider.clone(),
    };
    ServerParts { schemas, sdl, webhooks, checks, log_head, sampler: sources.sampler() }
}

async fn receive(inbox: &Inbox, signature: Option<&HeaderValue>, body: &[u8]) -> StatusCode {
    let signature = signature.and_then(|value| value.to_str().ok());
    match inbox.receive(signature.unwrap_or_default(), body).await {
        Ok(()) => StatusCode::OK,
        Err(InboxError::BadSignature(_)) => StatusCode::BAD_REQUEST,
        Err(error) => {
            tracing::error!(%error, "a webhook was not taken");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

async fn ping(pool: sqlx::PgPool) -> Result<(), String> {
    let answer = sqlx::query("select 1").execute(&pool).await;
    answer.map(|_| ()).map_err(|error| error.to_string())
}

/// A webhook whose payment does not appear is somebody's money.
async fn applied(inbox: Inbox) -> Result<(), String> {
    match inbox.overdue().await.map_err(|error| error.to_string())? {
        0 => Ok(()),
        overdue => Err(format!("{overdue} have waited for their payment for more than a day")),
    }
}

async fn unstopped(read_models: ReadModels) -> Result<(), String> {
    let status = read_models.status().await.map_err(|error| error.to_string())?;
    let stopped: Vec<_> = status
        .iter()
        .filter_map(|s| s.stopped_because.as_ref().map(|why| format!("{}: {why}", s.model)))
        .collect();
    if stopped.is_empty() { Ok(()) } else { Err(stopped.join("; ")) }
}

/// Another node may be the one at work, so how long events have waited counts too.
async fn relayed(relay: Relay) -> Outcome {
    match relay.lag().await {
        Ok(lag) => {
            let trouble = relay.last_error();
            let late = || (lag.time > RELAYED_WITHIN).then(|| "events have to wait".to_owned());
            Outcome {
                result: trouble.or_else(late).map_or(Ok(()), Err),
                lag_events: Some(lag.events),
            }
        }
        Err(error) => Err(error.to_string()).into(),
    }
}

/// The server of these parts, not yet running.
///
/// # Errors
/// Where the schema's text is none.
pub fn server<E: Executor>(
    config: &Config,
    parts: ServerParts<E>,
    auth: Arc<Authenticator>,
) -> Result<Server, ServeError> {
    let ServerParts { schemas, sdl, webhooks, checks, log_head, sampler } = parts;
    let endpoint =
        Endpoint::new(schemas, &sdl, config.introspection, auth.clone(), config.limits.clone())?;
    let health = Health::new(checks, log_head, auth);
    let metrics = Metrics::new(sampler);
    let pages = if config.pages { pages::routes() } else { Router::new() };
    let limits = config.limits.clone();
    Ok(Server::new(endpoint, webhooks, health, metrics, pages, &config.cors, limits))
}

/// Done when the process is asked to stop.
///
/// # Errors
/// Where signals cannot be listened to; better to learn it at the start than at the end.
pub fn stop_signal() -> Result<impl Future<Output = ()>, ServeError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// What to do next, with tokens ready to paste; in production neither is anybody's business.
fn welcome(config: &Config, auth: &Authenticator, address: &str) -> Result<String, IssueError> {
    if config.is_production() {
        return Ok(String::new());
    }
    let mut text = String::new();
    for (what, path) in [
        ("GraphQL", "/graphql"),
        ("Schema", "/graphql/schema"),
        ("Health", "/health"),
        ("Shop", "/shop"),
        ("Console", "/console"),
    ] {
        text += &format!("{what:<8} http://{address}{path}\n");
    }
    text += "\nDevelopment tokens, good for 8 hours:\n";
    for (subject, role) in
        [("ada", Role::Customer), ("desk", Role::Support), ("owner", Role::Admin)]
    {
        let token = auth.issue(subject, role, DEVELOPMENT_TTL, Utc::now())?;
        text += &format!("  {role:<9} Authorization: Bearer {token}\n");
    }
    Ok(text)
}
