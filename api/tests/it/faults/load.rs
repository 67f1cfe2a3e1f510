//! Clients that repeat every request without an answer, with the same key, until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::auth::Role;
use commands::Context;
use domain::CustomerId;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{delivery, order, position, units};
use crate::cluster::{BOUND, Client, Node, key, until};

const PAUSE: Duration = Duration::from_millis(20);

/// A client that sends one kind of request after the other.
pub(crate) struct Worker {
    pub(crate) subject: String,
    pub(crate) work: Work,
    /// Command id and position of every acknowledged command.
    pub(crate) acknowledged: Vec<(Uuid, i64)>,
    /// Units that were added to carts, or to the stock.
    pub(crate) units: i64,
    pub(crate) orders: usize,
    /// The request that is sent and not answered yet.
    pending: Option<Request>,
    sent: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Work {
    /// A customer adds mugs and teas to carts and places orders, until one is sold out.
    Order,
    /// Adds only mugs, to one cart.
    Fill,
    /// An admin adds teas to the stock, one by one.
    Stock,
}

struct Request {
    mutation: &'static str,
    selection: &'static str,
    input: Value,
}

/// The customer id that the server derives from a token's subject.
pub(crate) fn person(subject: &str) -> CustomerId {
    CustomerId::new("cartulary", subject)
}

impl Worker {
    pub(crate) fn new(subject: impl Into<String>, work: Work) -> Worker {
        Worker {
            subject: subject.into(),
            work,
            acknowledged: vec![],
            units: 0,
            orders: 0,
            pending: None,
            sent: 0,
        }
    }

    fn client(&self, node: &Node) -> Client {
        let role = if self.work == Work::Stock { Role::Admin } else { Role::Customer };
        node.signed_in(&self.subject, role)
    }

    fn next(&mut self) -> Request {
        self.sent += 1;
        let (mutation, selection, input) = match (self.work, self.sent % 3) {
            (Work::Stock, _) => ("inventoryAdjust", "inventoryItem { sku }", delivery("TEA", 1)),
            (Work::Order, 0) => ("orderPlace", "order { id }", order(&key())),
            (Work::Order, 1) => ("cartLinesAdd", "cart { id }", units("TEA", 1)),
            _ => ("cartLinesAdd", "cart { id }", units("MUG", 1)),
        };
        Request { mutation, selection, input }
    }

    fn record(&mut self, request: &Request, payload: &Value) {
        if payload["errors"][0]["code"] == "INSUFFICIENT_STOCK" {
            self.work = Work::Fill;
            return;
        }
        assert_eq!(payload["errors"], json!([]), "{}", request.mutation);
        let role = if self.work == Work::Stock { "staff" } else { "customer" };
        let actor = format!("{role}:{}", person(&self.subject));
        let key = request.input["idempotencyKey"].as_str().unwrap();
        let command = Context::keyed(actor, key, "", &()).unwrap().command_id;
        self.acknowledged.push((command, position(payload)));
        match request.mutation {
            "orderPlace" => self.orders += 1,
            _ => self.units += 1,
        }
    }

    /// Sends the next request, or repeats the last one. Returns whether it was answered.
    async fn send(&mut self, client: &Client) -> bool {
        let request = match self.pending.take() {
            Some(request) => request,
            None => self.next(),
        };
        let (mutation, selection) = (request.mutation, request.selection);
        match client.try_mutate(mutation, selection, request.input.clone()).await {
            Ok(payload) => {
                self.record(&request, &payload);
                true
            }
            Err(_) => {
                self.pending = Some(request);
                false
            }
        }
    }
}

/// Several clients that send requests at the same time.
pub(crate) struct Load {
    tasks: Vec<JoinHandle<Worker>>,
    stop: CancellationToken,
    answers: Arc<AtomicUsize>,
}

impl Load {
    pub(crate) fn start(node: &Node, workers: Vec<Worker>) -> Load {
        let (stop, answers) = (CancellationToken::new(), Arc::<AtomicUsize>::default());
        let tasks = workers.into_iter().map(|mut worker| {
            let client = worker.client(node);
            let (stop, answers) = (stop.clone(), answers.clone());
            tokio::spawn(async move {
                while !stop.is_cancelled() {
                    if worker.send(&client).await {
                        answers.fetch_add(1, Ordering::Relaxed);
                    } else {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                worker
            })
        });
        Load { tasks: tasks.collect(), stop, answers }
    }

    /// Waits until this many more requests are answered.
    pub(crate) async fn answered(&self, more: usize) {
        let goal = self.answers.load(Ordering::Relaxed) + more;
        until("requests are answered", async || self.answers.load(Ordering::Relaxed) >= goal).await;
    }

    /// Stops the clients; some requests may stay unanswered.
    pub(crate) async fn stop(self) -> Vec<Worker> {
        self.stop.cancel();
        join_all(self.tasks).await.into_iter().map(Result::unwrap).collect()
    }
}

/// Repeats the unanswered requests until all are answered.
pub(crate) async fn settle(node: &Node, workers: &mut [Worker]) {
    let settling = async {
        for worker in workers.iter_mut() {
            let client = worker.client(node);
            while worker.pending.is_some() {
                worker.send(&client).await;
            }
        }
    };
    tokio::time::timeout(BOUND, settling).await.expect("every request is answered in the end");
}
