//! Runs the real program: one process or several on one database, with a small GraphQL client.
//!
//! ```ignore
//! let shop = Shop::new().await;     // a database of its own, no demo catalogue
//! let node = shop.start().await;    // a `cartulary` process that is ready
//! let admin = node.admin();
//! let made = admin.mutate("productCreate", "product { sku }", json!({"sku": "MUG", …})).await;
//! let data = admin.ask("{ product(sku: \"MUG\") { name } }", json!({})).await;
//! ```

use std::fmt::Write as _;
use std::future::Future;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::auth::{Authenticator, Role};
use api::config::Config;
use axum::http::{Method, Request};
use chrono::Utc;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use local_postgres::testing::{Scratch, TestDatabase};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::support::{Answer, HOOK_SECRET, setup};

/// Longer than any step of a test takes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// How often a condition is checked that no event reports.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A database, the secrets that its nodes share, and a data directory.
pub(crate) struct Shop {
    /// None for a shop whose database is the private cluster in the data directory.
    pub(crate) database: Option<TestDatabase>,
    pub(crate) scratch: Scratch,
    config: Config,
    variables: Vec<(String, String)>,
}

impl Shop {
    /// A shop on a new, migrated database in the cluster that the tests share.
    pub(crate) async fn new() -> Shop {
        Shop::with(local_postgres::testing::database(&event_store::MIGRATIONS).await)
    }

    /// A shop on this database; the first node migrates it.
    pub(crate) fn with(database: TestDatabase) -> Shop {
        let shop = Shop::private().variable("DATABASE_URL", database.url());
        Shop { database: Some(database), ..shop }
    }

    /// A shop on the database of this URL.
    pub(crate) fn on(url: &str) -> Shop {
        Shop::private().variable("DATABASE_URL", url)
    }

    /// A shop with a private cluster, which the program starts in its data directory.
    pub(crate) fn private() -> Shop {
        let config = setup().config;
        let auth = &config.auth;
        let variables = [
            ("CARTULARY_NO_DEMO", "1"),
            // All requests of a test come from one address, and many from one member of staff, so
            // the rate limits are high.
            ("CARTULARY_RATE_LIMIT", "0"),
            ("RUST_LOG", "info"),
            ("JWT_SECRET", auth.jwt_secret.expose()),
            ("CARTULARY_CART_TOKEN_SECRET", auth.cart_token_secret.expose()),
            ("CARTULARY_SIMULATOR_WEBHOOK_SECRET", HOOK_SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        Shop { database: None, scratch: Scratch::new(), config, variables }
    }

    /// Sets a variable of the nodes that are started from now on, such as `CARTULARY_RESERVATION`.
    /// An empty value removes the variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Shop {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> &str {
        let url = self.variables.iter().find(|(name, _)| name == "DATABASE_URL");
        url.map(|(_, url)| url.as_str())
            .expect("only the program knows the URL of a private cluster")
    }

    /// Starts another node, and waits until it is ready.
    pub(crate) async fn start(&self) -> Node {
        self.start_with_delayed_stderr(std::future::ready(())).await
    }

    /// Starts a node whose standard error is not read before `until` resolves.
    pub(crate) async fn start_with_delayed_stderr(
        &self,
        until: impl Future<Output = ()> + Send + 'static,
    ) -> Node {
        let mut child = self.command().spawn().expect("the program can be started");
        let log = CapturedLog::default();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let address = tokio::sync::watch::Sender::new(None);
        let mut listening = address.subscribe();
        let errors = log.clone();
        tokio::spawn(async move {
            until.await;
            errors.keep(stderr, |_| {}).await;
        });
        tokio::spawn(log.clone().keep(stdout, move |line| {
            let url = line.strip_prefix("GraphQL").and_then(|rest| rest.split('/').nth(2));
            if let Some(found) = url.and_then(|authority| authority.parse().ok()) {
                address.send_replace(Some(found));
            }
        }));
        let address: Option<SocketAddr> =
            tokio::time::timeout(BOUND, listening.wait_for(Option::is_some))
                .await
                .ok()
                .and_then(|address| address.ok().and_then(|address| *address));
        let Some(address) = address else { panic!("the program does not start:\n{log}") };
        let auth = Arc::new(Authenticator::new(&self.config.auth));
        let node = Node { child, client: Client { address, auth, headers: vec![] }, log };
        node.until_ready().await;
        node
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cartulary"));
        let ours = |name: &str| {
            const OURS: [&str; 11] = [
                "CARTULARY_",
                "JWT_",
                "DATABASE_",
                "API_KEYS",
                "CORS_",
                "STRIPE_",
                "SMTP_",
                "MAIL_",
                "NATS_",
                "OTEL_",
                "RUST_LOG",
            ];
            OURS.iter().any(|prefix| name.starts_with(prefix))
        };
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.scratch.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// A running `cartulary` process. It is killed when the test ends.
pub(crate) struct Node {
    child: Child,
    client: Client,
    log: CapturedLog,
}

impl Node {
    pub(crate) fn address(&self) -> SocketAddr {
        self.client.address
    }

    /// Everything that the process has written so far, to standard output and standard error.
    pub(crate) fn log(&self) -> String {
        self.log.to_string()
    }

    /// A client without credentials.
    pub(crate) fn stranger(&self) -> Client {
        self.client.clone()
    }

    /// A client with the token that `cartCreate` returned.
    pub(crate) fn guest(&self, cart_token: &str) -> Client {
        self.stranger().with("x-cart-token", cart_token)
    }

    pub(crate) fn customer(&self, subject: &str) -> Client {
        self.signed_in(subject, Role::Customer)
    }

    pub(crate) fn support(&self) -> Client {
        self.signed_in("desk", Role::Support)
    }

    pub(crate) fn admin(&self) -> Client {
        self.signed_in("owner", Role::Admin)
    }

    pub(crate) fn signed_in(&self, subject: &str, role: Role) -> Client {
        let ttl = Duration::from_secs(3600);
        let token = self.client.auth.issue(subject, role, ttl, Utc::now()).unwrap();
        self.stranger().with("authorization", &format!("Bearer {token}"))
    }

    pub(crate) async fn until_ready(&self) {
        until("the node is ready", async || {
            self.client.get("/health/ready").await.is_ok_and(|answer| answer.status.is_success())
        })
        .await;
    }

    /// Sends SIGKILL, and waits for the end of the process.
    pub(crate) async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().await.unwrap();
    }

    /// Stops the process with SIGSTOP; it does not notice.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Sends a signal to the process; see [`Node::end`].
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("the process was not waited for yet");
        kill(Pid::from_raw(id.try_into().unwrap()), signal).unwrap();
    }

    /// Waits until the process has ended.
    pub(crate) async fn end(mut self) -> ExitStatus {
        match tokio::time::timeout(BOUND, self.child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("the program does not stop:\n{}", self.log),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} wrote:\n{}", self.address(), self.log);
        }
    }
}

/// The output of a process.
#[derive(Clone, Default)]
struct CapturedLog(Arc<Mutex<String>>);

impl CapturedLog {
    async fn keep(self, from: impl AsyncRead + Unpin, mut on_line: impl FnMut(&str)) {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            on_line(&line);
            writeln!(self.0.lock().unwrap(), "{line}").unwrap();
        }
    }
}

impl std::fmt::Display for CapturedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.lock().unwrap())
    }
}

/// A GraphQL client of one node. Each request has its own connection, so none outlives the node.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    auth: Arc<Authenticator>,
    pub(crate) headers: Vec<(String, String)>,
}

/// A request without an answer: it is unknown whether it was executed.
#[derive(Debug)]
pub(crate) struct Unanswered(#[expect(dead_code, reason = "shown where a test fails")] String);

/// The fields that are queried in the payload of every mutation, in addition to its object.
const PAYLOAD: &str = "position replayed errors { __typename code message path
    ... on InsufficientStockError { shortages { sku wanted available } }
    ... on PriceChangedError { current { amount currency } }
    ... on VersionConflictError { actual } }";

impl Client {
    pub(crate) fn with(mut self, header: &str, value: &str) -> Client {
        self.headers.push((header.to_owned(), value.to_owned()));
        self
    }

    /// Returns the `data` of an answer without top-level errors. While a read model is behind the
    /// requested position, the query is repeated.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Value {
        let begun = Instant::now();
        let answer = loop {
            let answer = self.try_ask(query, variables.clone()).await.unwrap();
            let is_stale = answer["errors"][0]["extensions"]["code"] == "STALE";
            if !is_stale || begun.elapsed() > BOUND {
                break answer;
            }
        };
        assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
        answer["data"].clone()
    }

    /// As [`Client::ask`], but returns an error if there are top-level errors or no answer.
    pub(crate) async fn try_data(
        &self,
        query: &str,
        variables: Value,
    ) -> Result<Value, Unanswered> {
        let answer = self.try_ask(query, variables).await?;
        match answer.get("errors") {
            None => Ok(answer["data"].clone()),
            Some(errors) => Err(Unanswered(errors.to_string())),
        }
    }

    /// The whole body of the answer, or an error if there is no answer.
    pub(crate) async fn try_ask(&self, query: &str, variables: Value) -> Result<Value, Unanswered> {
        let body = json!({"query": query, "variables": variables});
        let answer = self.post(&body.to_string()).await?;
        serde_json::from_slice(&answer.body).map_err(|error| {
            Unanswered(format!("{error}: {}", String::from_utf8_lossy(&answer.body)))
        })
    }

    /// Executes a mutation and returns its payload: `selection` (such as `cart { id }`),
    /// `position`, `replayed`, `errors`.
    pub(crate) async fn mutate(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let query = mutation_text(mutation, selection);
        let payload = self.ask(&query, json!({"input": input})).await[mutation].clone();
        assert_eq!(unnamed_codes(mutation, &payload), Vec::<&str>::new(), "{mutation}");
        payload
    }

    /// As [`Client::mutate`], but returns an error if there are top-level errors or no answer.
    pub(crate) async fn try_mutate(
        &self,
        mutation: &str,
        selection: &str,
        input: Value,
    ) -> Result<Value, Unanswered> {
        let query = mutation_text(mutation, selection);
        Ok(self.try_data(&query, json!({"input": input})).await?[mutation].clone())
    }

    /// As [`Client::mutate`], and asserts that the mutation was not refused.
    pub(crate) async fn done(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let payload = self.mutate(mutation, selection, input).await;
        assert_eq!(payload["errors"], json!([]), "{mutation}");
        payload
    }

    /// As [`Client::done`], but repeats the mutation with its key until it is answered.
    pub(crate) async fn insist(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let answered = async {
            loop {
                match self.try_mutate(mutation, selection, input.clone()).await {
                    Ok(payload) => return payload,
                    Err(_) => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
        };
        let answered = tokio::time::timeout(BOUND, answered).await;
        let payload =
            answered.unwrap_or_else(|_| panic!("no answer to {mutation} within {BOUND:?}"));
        assert_eq!(payload["errors"], json!([]), "{mutation}");
        payload
    }

    pub(crate) async fn post(&self, body: &str) -> Result<Answer, Unanswered> {
        let accept = "application/graphql-response+json";
        let headers = [("content-type", "application/json"), ("accept", accept)];
        self.send(Method::POST, "/graphql", &headers, body.to_owned()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Unanswered> {
        self.send(Method::GET, path, &[], String::new()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Unanswered> {
        let mut request =
            Request::builder().method(method).uri(path).header("host", self.address.to_string());
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in headers.iter().copied().chain(own) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        match tokio::time::timeout(BOUND, exchange(self.address, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Unanswered(format!("no answer within {BOUND:?}"))),
        }
    }
}

fn mutation_text(mutation: &str, selection: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    let input = format!("{}{rest}Input", first.to_uppercase());
    format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ {selection} {PAYLOAD} }} }}"
    )
}

/// The schema with the descriptions that clients read.
const SDL: &str = include_str!("../../schema.graphql");

/// The codes of errors that neither the description of the mutation names nor that of all mutations.
fn unnamed_codes<'p>(mutation: &str, payload: &'p Value) -> Vec<&'p str> {
    const OF_ALL: [&str; 2] = ["INVALID_INPUT", "IDEMPOTENCY_KEY_REUSED"];
    let (_, mutations) = SDL.split_once("\ntype Mutation {").expect("mutations");
    let field = format!("\n\t{mutation}(");
    let (before, _) = mutations.split_once(&field).expect("a mutation of the schema");
    let description = before.rsplit("\"\"\"").nth(1).expect("its description");
    let codes = payload["errors"].as_array().into_iter().flatten();
    codes
        .filter_map(|error| error["code"].as_str())
        .filter(|code| !OF_ALL.contains(code) && !description.contains(&format!("`{code}`")))
        .collect()
}

async fn exchange(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Unanswered> {
    let unanswered = |error: hyper::Error| Unanswered(error.to_string());
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|error| Unanswered(error.to_string()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(unanswered)?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(unanswered)?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(unanswered)?.to_bytes();
    connection.abort();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// Checks again and again until the condition is true.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let looking = async {
        while !condition().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(
        tokio::time::timeout(BOUND, looking).await.is_ok(),
        "not true within {BOUND:?}: {what}"
    );
}

/// A new idempotency key, random enough for guests too.
pub(crate) fn key() -> String {
    Uuid::new_v4().to_string()
}
