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
use crate::health::{Check, Health, LogHead, ProbeResult};
use crate::metrics::{Metrics, Sampler, Sources};
use crate::output;
use crate::pages::{self, Served};
use crate::server::{Server, Webhooks};

/// The relay counts as degraded if an event has waited for longer than this.
const RELAY_LAG_MAX: Duration = Duration::from_secs(30);

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

/// The parts of the server that the shop provides.
pub struct ServerParts<E> {
    pub schemas: Schemas<E>,
    /// The text of the schema, served at `/graphql/schema`.
    pub sdl: String,
    pub webhooks: Webhooks,
    pub checks: Vec<Check>,
    pub log_head: LogHead,
    /// Reads the gauges of `/metrics`.
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

/// Runs the server until the process gets SIGINT (Ctrl-C) or SIGTERM.
pub async fn run(config: Config) -> Result<(), ServeError> {
    let shutdown = stop_signal()?;
    // The address is bound first, so that one that cannot be used ends the start before a database is created.
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

/// The number of connections that the operating system holds until the program accepts them.
const BACKLOG: u32 = 1024;

/// Starts the shop in this database and serves it on this socket until `shutdown` completes.
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
        print_banner(&format_banner(config, &auth, address)?);
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
    let store = app.shop.bus.store().clone();
    let sources = Sources {
        store: store.clone(),
        read_models: app.shop.read_models.clone(),
        inbox: app.inbox.clone(),
        provider: app.shop.provider.clone(),
    };
    ServerParts {
        schemas,
        sdl,
        webhooks: webhooks(app),
        checks: health_checks(app),
        log_head: Arc::new(move || Some(store.known_head())),
        sampler: sources.sampler(),
        address,
    }
}

/// The webhooks of the payment provider, which are stored in the inbox.
fn webhooks(app: &App) -> Webhooks {
    let (inbox, provider) = (app.inbox.clone(), &app.shop.provider);
    let signature = provider.signature_header();
    Webhooks::default().on(provider.name(), move |headers, body| {
        let inbox = inbox.clone();
        async move { receive_webhook(&inbox, headers.get(signature), &body).await }
    })
}

fn health_checks(app: &App) -> Vec<Check> {
    let (pool, inbox) = (app.shop.bus.store().pool().clone(), app.inbox.clone());
    let (read_models, provider) = (app.shop.read_models.clone(), app.shop.provider.clone());
    let mut checks = vec![
        Check::required("postgres", move || check_postgres(pool.clone())),
        Check::optional("webhooks", move || check_webhooks(inbox.clone())),
        Check::optional("projections", move || check_projections(read_models.clone())),
        Check::optional("payments", move || {
            let provider = provider.clone();
            async move { provider.check().await }
        }),
    ];
    if app.relay.has_broker() {
        let relay = app.relay.clone();
        checks.push(Check::follower("relay", move || check_relay(relay.clone())));
    }
    checks
}

async fn receive_webhook(
    inbox: &Inbox,
    signature: Option<&HeaderValue>,
    body: &[u8],
) -> StatusCode {
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

async fn check_postgres(pool: sqlx::PgPool) -> Result<(), String> {
    let answer = sqlx::query("select 1").execute(&pool).await;
    answer.map(|_| ()).map_err(|error| error.to_string())
}

/// Fails while a webhook has waited for its payment for more than a day, because each is about a customer's money.
async fn check_webhooks(inbox: Inbox) -> Result<(), String> {
    match inbox.overdue().await.map_err(|error| error.to_string())? {
        0 => Ok(()),
        overdue => {
            Err(format!("webhooks that wait for their payment for more than a day: {overdue}"))
        }
    }
}

async fn check_projections(read_models: ReadModels) -> Result<(), String> {
    let status = read_models.status().await.map_err(|error| error.to_string())?;
    let stopped: Vec<_> = status
        .iter()
        .filter_map(|s| s.stopped_because.as_ref().map(|why| format!("{}: {why}", s.model)))
        .collect();
    if stopped.is_empty() { Ok(()) } else { Err(stopped.join("; ")) }
}

/// Fails if this node's relay has an error or events have waited for too long. The waiting time counts because
/// another node may be the leader.
async fn check_relay(relay: Relay) -> ProbeResult {
    match relay.lag().await {
        Ok(lag) => {
            let error = relay.last_error();
            let lag_error = || {
                (lag.time > RELAY_LAG_MAX).then(|| {
                    "the oldest event that is not published has waited for more than 30 s"
                        .to_owned()
                })
            };
            ProbeResult {
                result: error.or_else(lag_error).map_or(Ok(()), Err),
                lag_events: Some(lag.events),
            }
        }
        Err(error) => Err(error.to_string()).into(),
    }
}

/// Builds the server from its parts. It does not run yet.
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

/// Installs handlers for SIGINT and SIGTERM, and returns a future that completes when either arrives.
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

/// Formats the addresses and the tokens of a development server. It is not printed in production, where both are
/// secret.
fn format_banner(
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

/// Prints the banner. The server runs even if the banner cannot be printed.
fn print_banner(banner: &str) {
    if let Err(error) = output::print(banner) {
        tracing::warn!(%error, "the banner cannot be printed");
    }
}
