//! The load generator: a closed loop over kept-alive connections, every answer checked.
//!
//! It runs on one thread of its own, so that it takes as little as it can of the cores that it shares
//! with what it measures.

mod connection;
mod request;
mod shoppers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::runtime;
use uuid::Uuid;

pub use connection::Connection;
pub use request::post;
pub use shoppers::{SHOPPERS, SKUS_PER_CART, Shoppers, skus};

use crate::error::BenchError;
use crate::sample::{Sample, latencies};

/// Who may add to which carts, where, how many at once and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    pub address: SocketAddr,
    pub shoppers: Arc<Shoppers>,
    pub connections: usize,
    pub time: Duration,
}

/// A command that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Ack {
    pub shopper: usize,
    pub key: Uuid,
    pub position: i64,
}

/// What a load came to.
#[derive(Debug)]
pub struct Answered {
    pub sample: Sample,
    pub acks: Vec<Ack>,
}

impl Load {
    /// Runs to the end, on a thread of its own.
    pub async fn run(self) -> Result<Answered, BenchError> {
        tokio::task::spawn_blocking(move || {
            let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
            runtime.block_on(self.drive())
        })
        .await?
    }

    async fn drive(self) -> Result<Answered, BenchError> {
        let open = (0..self.connections).map(|_| Connection::open(self.address));
        let connections = try_join_all(open).await?;
        let began = Instant::now();
        let until = began + self.time;
        let loops = connections.into_iter().map(|connection| self.client(connection, until));
        let clients = try_join_all(loops).await?;
        let elapsed = began.elapsed();
        let mut latency = latencies();
        let mut acks = vec![];
        for (mut answered, own) in clients {
            acks.append(&mut answered);
            // Both have the same bounds.
            latency += own;
        }
        Ok(Answered { sample: Sample::new(acks.len() as u64, elapsed, latency), acks })
    }

    /// One client: the next request goes out when the last one is answered.
    async fn client(
        &self,
        mut connection: Connection,
        until: Instant,
    ) -> Result<(Vec<Ack>, Histogram<u64>), BenchError> {
        let mut acks = vec![];
        let mut latency = latencies();
        let mut buffer = vec![];
        loop {
            let shopper = rand::random_range(0..SHOPPERS);
            let key = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
            let template = &self.shoppers.requests[shopper][acks.len() % SKUS_PER_CART];
            let request = template.write(key, &mut buffer);
            let sent = Instant::now();
            if sent >= until {
                return Ok((acks, latency));
            }
            let answer = connection.call(request).await?;
            latency.record(sent.elapsed().as_micros() as u64)?;
            acks.push(Ack { shopper, key, position: position(answer)? });
        }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    errors: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    cart_lines_add: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    cart: Option<IgnoredAny>,
    errors: Vec<IgnoredAny>,
    position: Option<&'a str>,
    replayed: bool,
}

/// The position in an answer that is as it must be: done, now, without an error.
fn position(answer: &[u8]) -> Result<i64, BenchError> {
    let wrong = |what: &str| BenchError::answer(what, answer);
    let parsed: Answer<'_> = serde_json::from_slice(answer).map_err(|_| wrong("not its form"))?;
    if parsed.errors.is_some() {
        return Err(wrong("errors"));
    }
    match parsed.data.map(|data| data.cart_lines_add) {
        Some(Payload { cart: Some(_), errors, position: Some(position), replayed: false })
            if errors.is_empty() =>
        {
            position.parse().map_err(|_| wrong("no position"))
        }
        _ => Err(wrong("not done")),
    }
}
