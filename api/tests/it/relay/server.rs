//! A real NATS server, and the messages in its stream.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_nats::jetstream;
use local_postgres::testing::Scratch;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::cluster::until;
use crate::programs::{installed, lasting_port};

/// A running NATS server. It is killed when the test ends.
pub(crate) struct NatsServer {
    child: Child,
    program: PathBuf,
    folder: Scratch,
    pub(super) address: SocketAddr,
}

/// An event as a consumer receives it.
#[derive(Debug)]
pub(crate) struct PublishedEvent {
    pub(crate) subject: String,
    pub(super) media_type: String,
    pub(crate) body: Value,
}

impl PublishedEvent {
    pub(super) fn position(&self) -> i64 {
        self.body["id"].as_str().unwrap().parse().unwrap()
    }
}

impl NatsServer {
    /// Starts a server on a free port. None if it is not installed.
    pub(crate) async fn start() -> Option<NatsServer> {
        let program = installed("nats-server")?;
        let folder = Scratch::new();
        let (child, address) = run(&program, folder.path(), &lasting_port().to_string()).await;
        Some(NatsServer { child, program, folder, address })
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    pub(super) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again, on the same port and with its stored messages.
    pub(super) async fn start_again(&mut self) {
        let port = self.address.port().to_string();
        let (child, address) = run(&self.program, self.folder.path(), &port).await;
        assert_eq!(address, self.address);
        self.child = child;
    }

    pub(super) async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.url()).await.unwrap())
    }

    /// All messages in the stream, the first one first; empty if there is no stream.
    pub(crate) async fn published(&self) -> Vec<PublishedEvent> {
        let Ok(stream) = self.jetstream().await.get_stream("CARTULARY").await else {
            return vec![];
        };
        let mut published = vec![];
        for sequence in 1..=stream.cached_info().state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            let media_type = message.headers.get("Content-Type").map(ToString::to_string);
            published.push(PublishedEvent {
                subject: message.subject.to_string(),
                media_type: media_type.unwrap_or_default(),
                body: serde_json::from_slice(&message.payload).unwrap_or_default(),
            });
        }
        published
    }
}

/// Starts the server on this port; returns its address.
async fn run(program: &Path, folder: &Path, port: &str) -> (Child, SocketAddr) {
    let child = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", port, "-js", "-sd"])
        .arg(folder)
        .arg("--ports_file_dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("nats-server can be started");
    let file = folder.join(format!("nats-server_{}.ports", child.id().unwrap()));
    until("nats-server reports its port", async || address(&file).is_some()).await;
    let address = address(&file).unwrap();
    until("nats-server answers", async || async_nats::connect(address.to_string()).await.is_ok())
        .await;
    (child, address)
}

fn address(file: &Path) -> Option<SocketAddr> {
    let ports: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    ports["nats"][0].as_str()?.strip_prefix("nats://")?.parse().ok()
}
