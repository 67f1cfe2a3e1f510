//! The load generator: clients on kept-alive connections, every answer checked.
//!
//! What a client does is a scenario, an async function of a [`Client`]; when it may do it is [`Turns`].
//! A load runs on one thread of its own, so that it takes as little as it can of the cores that it
//! shares with what it measures.

mod answer;
mod carts;
mod connection;
mod orders;
mod queries;
mod request;
mod shopper;
mod shoppers;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::runtime;
use uuid::Uuid;

pub use carts::{add_and_look, add_to_carts};
pub use connection::Connection;
pub use orders::{Round, check_out, send_round};
pub use queries::{Question, ask};
pub use request::{cart_fill, order_by_id, order_page, order_place, post};
pub use shopper::{SKUS_PER_CART, Shopper};
pub use shoppers::{SHOPPERS, Shoppers, skus};

use crate::error::BenchError;
use crate::sample::{Sample, latencies};

/// Where clients connect, how many there are, and when each may send.
#[derive(Debug, Clone)]
pub struct Load {
    /// The nodes: client `n` is a client of node `n` modulo their number.
    pub nodes: Vec<SocketAddr>,
    pub connections: usize,
    pub turns: Turns,
}

/// When a client does the next thing.
#[derive(Debug, Clone, Copy)]
pub enum Turns {
    /// When the last one is answered, for so long.
    Closed(Duration),
    /// So many times a second in all, for so long, however slow the answers are: what had to wait for
    /// a free connection is timed from when it was due.
    Open { per_second: f64, time: Duration },
}

/// One connection, and what came of it.
#[derive(Debug)]
pub struct Client {
    /// Among the clients of its load, from 0.
    pub number: usize,
    pub connection: Connection,
    pub acks: Vec<Ack>,
    /// Orders that were refused because too little is left of a SKU.
    pub out_of_stock: usize,
    /// One entry for each thing done; microseconds.
    pub latency: Histogram<u64>,
    clock: Rc<Clock>,
}

/// Who hands out the turns.
#[derive(Debug)]
struct Clock {
    turns: Turns,
    began: Instant,
    taken: Cell<u32>,
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
    pub elapsed: Duration,
    pub latency: Histogram<u64>,
    pub acks: Vec<Ack>,
    pub out_of_stock: usize,
}

impl Answered {
    pub fn sample(&self) -> Sample {
        Sample::new(self.latency.len(), self.elapsed, &self.latency)
    }
}

impl Load {
    /// Runs to the end, on a thread of its own.
    pub async fn run<S>(self, scenario: S) -> Result<Answered, BenchError>
    where
        S: AsyncFn(&mut Client) -> Result<(), BenchError> + Send + 'static,
    {
        tokio::task::spawn_blocking(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.drive(scenario))
        })
        .await?
    }

    async fn drive(
        self,
        scenario: impl AsyncFn(&mut Client) -> Result<(), BenchError>,
    ) -> Result<Answered, BenchError> {
        let open =
            (0..self.connections).map(|n| Connection::open(self.nodes[n % self.nodes.len()]));
        let connections = try_join_all(open).await?;
        let began = Instant::now();
        let clock = Rc::new(Clock { turns: self.turns, began, taken: Cell::new(0) });
        let clients = connections.into_iter().enumerate().map(|(number, connection)| {
            let (latency, clock) = (latencies(), clock.clone());
            let mut client =
                Client { number, connection, acks: vec![], out_of_stock: 0, latency, clock };
            let scenario = &scenario;
            async move {
                scenario(&mut client).await?;
                Ok::<_, BenchError>(client)
            }
        });
        let clients = try_join_all(clients).await?;
        let elapsed = began.elapsed();
        let (mut latency, mut acks, mut out_of_stock) = (latencies(), vec![], 0);
        for mut client in clients {
            acks.append(&mut client.acks);
            out_of_stock += client.out_of_stock;
            // Both have the same bounds.
            latency += client.latency;
        }
        Ok(Answered { elapsed, latency, acks, out_of_stock })
    }
}

impl Client {
    /// Waits for the next turn, and tells from when it is to be timed. None once time is up.
    pub async fn turn(&self) -> Option<Instant> {
        self.clock.turn().await
    }
}

impl Clock {
    async fn turn(&self) -> Option<Instant> {
        match self.turns {
            Turns::Closed(time) => {
                let now = Instant::now();
                (now < self.began + time).then_some(now)
            }
            Turns::Open { per_second, time } => {
                let after = Duration::from_secs_f64(f64::from(self.taken.get()) / per_second);
                if after >= time {
                    return None;
                }
                self.taken.set(self.taken.get() + 1);
                let due = self.began + after;
                tokio::time::sleep_until(due.into()).await;
                Some(due)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_open_loop_that_is_late_is_timed_from_when_it_was_due() {
        let time = Duration::from_secs(1);
        let began = Instant::now() - 2 * time;
        let turns = Turns::Open { per_second: 100.0, time };
        let clock = Clock { turns, began, taken: Cell::new(0) };
        for n in 0..100 {
            let due = clock.turn().await.unwrap();
            assert_eq!(due - began, Duration::from_millis(10) * n);
        }
        assert_eq!(clock.turn().await, None);
    }

    #[tokio::test]
    async fn a_closed_loop_is_timed_from_now_until_time_is_up() {
        let (before, time) = (Instant::now(), Duration::from_secs(60));
        let clock = |began| Clock { turns: Turns::Closed(time), began, taken: Cell::new(0) };
        assert!(clock(before).turn().await.unwrap() >= before);
        assert_eq!(clock(before - time).turn().await, None);
    }
}
