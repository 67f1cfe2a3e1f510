//! `cartulary serve`: opens the database, starts the shop and serves it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::http::{HeaderValue, StatusCode};
use commands::inbox::{Inbox, InboxError};
use commands::relay::Relay;
use projections::ReadModels;
use tokio::net::TcpSocket;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, StartError};
use crate::auth::{Authenticator, IssueError};
use crate::config::Config;
use crate::database::{Database, DatabaseError};
use crate::development::ACCOUNTS;
use crate::graphql::{self, Schema, schema};
use crate::graphql_http::{Endpoint, Schemas};
use crate::health::{Check, Health, LogHead, Outcome};
use crate::metrics::{Metrics, Sampler, Sources};
use crate::output;
use crate::pages::{self, Served};
use crate::server::{Server, Webhooks};

/// The relay is degraded when events wait for longer.
const RELAYED_WITHIN: Duration = Duration::from_secs(30);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("CARTULARY_LISTEN {address}: {source}; {remedy}")]
    Listen { address: String, source: io::Error, remedy: &'static str },
    #[error("the signal handlers cannot be installed: {0}")]
    Signals(io::Error),
    #[error("the development tokens cannot be issued: {0}")]
    Tokens(#[from] IssueError),
    #[error("the schema's own text cannot be parsed: {0}")]
    Schema(#[from] async_graphql::parser::Error),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the shop cannot be started: {0}")]
    Start(#[from] StartError),
}

/// What the rest of the program gives to the server.
pub struct ServerParts<E> {
    pub schemas: Schemas<E>,
    /// The schema's text, for `/graphql/schema`.
    pub sdl: String,
    pub webhooks: Webhooks,
    pub checks: Vec<Check>,
    pub log_head: LogHead,
    /// Reads the figures of `/metrics` that are not counted.
    pub sampler: Sampler,
    /// Where the server listens.
    pub address: SocketAddr,
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
    // Before anything is made: an address that cannot be used ends the start at once.
    let socket = bind(&config.listen).await?;
    let database = Database::open(&config).await?;
    database.migrate().await?;
    let served = serve(&config, &database, socket, shutdown).await;
    database.close().await?;
    served
}

/// Binds a socket to this address. It does not listen yet, so that clients are refused until the shop has
/// started.
///
/// # Errors
/// If the address is unknown, in use or not allowed.
pub async fn bind(listen: &str) -> Result<TcpSocket, ServeError> {
    let addresses = tokio::net::lookup_host(listen).await;
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses.map_err(|source| listen_error(listen, source))? {
        match bind_to(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(listen_error(listen, failure))
}

fn bind_to(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen_error(address: &str, source: io::Error) -> ServeError {
    let remedy = match source.kind() {
        io::ErrorKind::AddrInUse => "stop the program that uses the port, or choose another port",
        io::ErrorKind::PermissionDenied => "choose a port from 1024 on",
        _ => "choose an address of this machine, such as 127.0.0.1:8080",
    };
    ServeError::Listen { address: address.to_owned(), source, remedy }
}

/// Connections that the system accepts before the program does.
const BACKLOG: u32 = 1024;

/// Serves the shop in this database on this socket until `shutdown`.
pub async fn serve(
    config: &Config,
    database: &Database,
    socket: TcpSocket,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let error = |source| listen_error(&config.listen, source);
    let listener = socket.listen(BACKLOG).map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    let auth = Arc::new(Authenticator::new(&config.auth));
    let app = App::start(config, database.url(), auth.clone(), address).await?;
    let server = server(config, server_parts(&app, address), auth.clone())?;
    if config.is_production() {
        tracing::info!(%address, "serving");
    } else {
        print_banner(&banner(config, &auth, address)?);
    }
    server.run(listener, shutdown).await;
    app.stop().await;
    tracing::info!("stopped serving");
    Ok(())
}

fn server_parts(app: &App, address: SocketAddr) -> ServerParts<Schema> {
    let schemas =
        Schemas::build(|mode| schema().validation_mode(mode).data(app.shop.clone()).finish());
    let sdl = graphql::sdl(&schemas.strict);
    let (inbox, overdue_inbox) = (app.inbox.clone(), app.inbox.clone());
    let provider = app.shop.provider.clone();
    let signature = provider.signature_header();
    let webhooks = Webhooks::default().on(provider.name(), move |headers, body| {
        let inbox = inbox.clone();
        async move { receive(&inbox, headers.get(signature), &body).await }
    });
    let (store, pool) = (app.shop.bus.store().clone(), app.shop.bus.store().pool().clone());
    let mut checks = vec![
        Check::required("postgres", move || ping(pool.clone())),
        Check::optional("webhooks", move || no_webhook_is_overdue(overdue_inbox.clone())),
        Check::optional("projections", {
            let read_models = app.shop.read_models.clone();
            move || no_projection_has_stopped(read_models.clone())
        }),
        Check::optional("payments", move || {
            let provider = provider.clone();
            async move { provider.check().await }
        }),
    ];
    if app.relay.has_broker() {
        let relay = app.relay.clone();
        checks.push(Check::follower("relay", move || relay_keeps_up(relay.clone())));
    }
    let log_head = Arc::new(move || Some(store.known_head()));
    let sources = Sources {
        store: app.shop.bus.store().clone(),
        read_models: app.shop.read_models.clone(),
        inbox: app.inbox.clone(),
        provider: app.shop.provider.clone(),
    };
    ServerParts { schemas, sdl, webhooks, checks, log_head, sampler: sources.sampler(), address }
}

async fn receive(inbox: &Inbox, signature: Option<&HeaderValue>, body: &[u8]) -> StatusCode {
    let signature = signature.and_then(|value| value.to_str().ok());
    match inbox.receive(signature.unwrap_or_default(), body).await {
        Ok(()) => StatusCode::OK,
        Err(InboxError::BadSignature(_)) => StatusCode::BAD_REQUEST,
        Err(error) => {
            tracing::error!(%error, "a webhook could not be stored");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

async fn ping(pool: sqlx::PgPool) -> Result<(), String> {
    let answer = sqlx::query("select 1").execute(&pool).await;
    answer.map(|_| ()).map_err(|error| error.to_string())
}

/// An error while webhooks wait for their payment for too long: each is about a customer's money.
async fn no_webhook_is_overdue(inbox: Inbox) -> Result<(), String> {
    match inbox.overdue().await.map_err(|error| error.to_string())? {
        0 => Ok(()),
        overdue => {
            Err(format!("webhooks that wait for their payment for more than a day: {overdue}"))
        }
    }
}

async fn no_projection_has_stopped(read_models: ReadModels) -> Result<(), String> {
    let status = read_models.status().await.map_err(|error| error.to_string())?;
    let stopped: Vec<_> = status
        .iter()
        .filter_map(|s| s.stopped_because.as_ref().map(|why| format!("{}: {why}", s.model)))
        .collect();
    if stopped.is_empty() { Ok(()) } else { Err(stopped.join("; ")) }
}

/// Another node may be the leader, so the time that events have waited counts too.
async fn relay_keeps_up(relay: Relay) -> Outcome {
    match relay.lag().await {
        Ok(lag) => {
            let error = relay.last_error();
            let late = || {
                (lag.time > RELAYED_WITHIN).then(|| "events have waited for too long".to_owned())
            };
            Outcome {
                result: error.or_else(late).map_or(Ok(()), Err),
                lag_events: Some(lag.events),
            }
        }
        Err(error) => Err(error.to_string()).into(),
    }
}

/// The server of these parts, not yet running.
///
/// # Errors
/// If the schema's text cannot be parsed.
pub fn server<E: Executor>(
    config: &Config,
    parts: ServerParts<E>,
    auth: Arc<Authenticator>,
) -> Result<Server, ServeError> {
    let ServerParts { schemas, sdl, webhooks, checks, log_head, sampler, address } = parts;
    let endpoint =
        Endpoint::new(schemas, &sdl, config.introspection, auth.clone(), config.limits.clone())?;
    let health = Health::new(checks, log_head, auth.clone());
    let metrics = Metrics::new(sampler);
    let served = Served { pages: config.pages, schema: config.introspection };
    let offers_sign_in = !config.is_production() && address.ip().is_loopback();
    let pages = pages::routes(served, Some(auth.clone()).filter(|_| offers_sign_in));
    let limits = config.limits.clone();
    Ok(Server::new(endpoint, webhooks, health, metrics, pages, &config.cors, limits))
}

/// Completes when the process gets SIGINT or SIGTERM.
///
/// # Errors
/// If the handlers cannot be installed.
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

/// The addresses and tokens of a development server. In production, both are secret.
fn banner(
    config: &Config,
    auth: &Authenticator,
    address: SocketAddr,
) -> Result<String, IssueError> {
    let mut text = "\n".to_owned();
    let pages = [("Start", "/"), ("Shop", "/shop"), ("Console", "/console")];
    let api = [("GraphQL", "/graphql"), ("Schema", "/graphql/schema"), ("Health", "/health")];
    for (name, path) in pages.iter().filter(|_| config.pages).chain(&api) {
        text += &format!("{name:<8} http://{address}{path}\n");
    }
    if config.mail.smtp_url.is_none() {
        text += &format!("{:<8} {}\n", "Mail", config.mail_folder().display());
    }
    text += "\nDevelopment tokens, valid for 8 hours:\n";
    for account in ACCOUNTS {
        let (role, token) = (account.role.to_string(), account.issue_token(auth)?);
        text += &format!("  {role:<9} Authorization: Bearer {token}\n");
    }
    Ok(text + "\n")
}

/// The server runs whether or not anybody reads its banner.
fn print_banner(banner: &str) {
    if let Err(error) = output::print(banner) {
        tracing::warn!(%error, "the banner cannot be printed");
    }
}
