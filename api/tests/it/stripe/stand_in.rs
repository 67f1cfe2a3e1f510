//! localstripe, an independent simulation of Stripe, as a separate process.

use std::net::SocketAddr;
use std::process::Stdio;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::cluster::{BOUND, Client, Node, Shop};
use crate::venv::python;

pub(super) const KEY: &str = "sk_test_of_nobody";
pub(super) const WEBHOOK_SECRET: &str = "whsec_of_nobody";

const LAUNCHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/stripe/stand_in.py");

/// A running localstripe. It is killed when the test ends.
pub(super) struct LocalStripe {
    child: Child,
    pub(super) address: SocketAddr,
}

impl LocalStripe {
    /// Starts it on a free port. None if it is not installed.
    pub(super) async fn start() -> Option<LocalStripe> {
        LocalStripe::start_on(None).await
    }

    pub(super) async fn start_on(address: Option<SocketAddr>) -> Option<LocalStripe> {
        let mut child = Command::new(python("localstripe")?)
            .arg(LAUNCHER)
            .args(address.map(|address| address.port().to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(BOUND, lines.next_line()).await;
        let port = line.expect("localstripe starts").unwrap().expect("it says where");
        let address = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        Some(LocalStripe { child, address })
    }

    pub(super) async fn stop(mut self) -> SocketAddr {
        self.child.kill().await.unwrap();
        self.address
    }

    /// Makes it send its webhooks to this node.
    pub(super) async fn report_to(&self, node: &Node) {
        let url = format!("http://{}/webhooks/stripe", node.address());
        let hook = json!({"url": url, "secret": WEBHOOK_SECRET});
        self.post(node, "/_config/webhooks/shop", &hook).await;
    }

    /// Loses the next `answers` answers to requests whose path ends like this; the requests are
    /// executed.
    pub(super) async fn lose(&self, node: &Node, end: &str, answers: u32) {
        self.post(node, "/_config/lose", &json!({ end: answers })).await;
    }

    async fn post(&self, node: &Node, path: &str, body: &Value) {
        let headers = [("content-type", "application/json")];
        let answer = self.client(node).send(Method::POST, path, &headers, body.to_string()).await;
        assert!(answer.unwrap().status.is_success(), "{path}");
    }

    /// All of its objects of this kind, such as `payment_intents`.
    pub(super) async fn all(&self, node: &Node, kind: &str) -> Vec<Value> {
        let authorization = format!("Bearer {KEY}");
        let headers = [("authorization", &*authorization)];
        let path = format!("/v1/{kind}?limit=100");
        let answer = self.client(node).send(Method::GET, &path, &headers, "").await.unwrap();
        answer.json()["data"].as_array().unwrap().clone()
    }

    fn client(&self, node: &Node) -> Client {
        let mut client = node.stranger();
        client.address = self.address;
        client
    }
}

/// A shop whose provider is Stripe at this address.
pub(super) async fn shop_at(address: SocketAddr) -> Shop {
    Shop::new()
        .await
        .variable("STRIPE_SECRET_KEY", KEY)
        .variable("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
        .variable("STRIPE_API_BASE", &format!("http://{address}"))
}
