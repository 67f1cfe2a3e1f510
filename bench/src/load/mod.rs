//! The load generator: clients on kept-alive connections, every answer checked.
//!
//! What a client does is a scenario, an async function of a [`LoadClient`]; when it sends is set by
//! [`Pacing`]. A load runs on one thread of its own, so that it takes as little as it can of the
//! cores that it shares with the server.

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
pub use connection::HttpConnection;
pub use orders::{Round, check_out, send_round};
pub use queries::{KnownQuery, ask};
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
    pub pacing: Pacing,
}

/// When a client sends its next request.
#[derive(Debug, Clone, Copy)]
pub enum Pacing {
    /// A closed loop: each client sends when its last request is answered, for this long.
    Closed(Duration),
    /// An open loop: this many requests a second in total, for this long, however slow the answers
    /// are. A request that had to wait for a free connection is timed from when it was due.
    Open { per_second: f64, time: Duration },
}

/// One connection, and the results of its requests.
#[derive(Debug)]
pub struct LoadClient {
    /// The client's number within the load, from 0.
    pub number: usize,
    pub connection: HttpConnection,
    pub acks: Vec<Ack>,
    /// Orders that were refused because too little is left of a SKU.
    pub out_of_stock: usize,
    /// Microseconds, one value for each timed request.
    pub latency: Histogram<u64>,
    clock: Rc<Clock>,
}

/// Tells the clients when to send.
#[derive(Debug)]
struct Clock {
    pacing: Pacing,
    began: Instant,
    taken: Cell<u32>,
}

/// An acknowledged command.
#[derive(Debug, Clone, Copy)]
pub struct Ack {
    pub shopper: usize,
    pub key: Uuid,
    pub position: i64,
}

/// The results of all clients of a load.
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
    /// Runs the load to its end, on a thread of its own.
    pub async fn run<S>(self, scenario: S) -> Result<Answered, BenchError>
    where
        S: AsyncFn(&mut LoadClient) -> Result<(), BenchError> + Send + 'static,
    {
        tokio::task::spawn_blocking(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.drive(scenario))
        })
        .await?
    }

    async fn drive(
        self,
        scenario: impl AsyncFn(&mut LoadClient) -> Result<(), BenchError>,
    ) -> Result<Answered, BenchError> {
        let open =
            (0..self.connections).map(|n| HttpConnection::open(self.nodes[n % self.nodes.len()]));
        let connections = try_join_all(open).await?;
        let began = Instant::now();
        let clock = Rc::new(Clock { pacing: self.pacing, began, taken: Cell::new(0) });
        let clients = connections.into_iter().enumerate().map(|(number, connection)| {
            let (latency, clock) = (latencies(), clock.clone());
            let mut client =
                LoadClient { number, connection, acks: vec![], out_of_stock: 0, latency, clock };
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
            // Both histograms have the same bounds, so adding cannot fail.
            latency += client.latency;
        }
        Ok(Answered { elapsed, latency, acks, out_of_stock })
    }
}

impl LoadClient {
    /// Waits until the next request is due, and returns the time from which to measure it. None
    /// once the time is over.
    pub async fn next_start(&self) -> Option<Instant> {
        self.clock.next_start().await
    }
}

impl Clock {
    async fn next_start(&self) -> Option<Instant> {
        match self.pacing {
            Pacing::Closed(time) => {
                let now = Instant::now();
                (now < self.began + time).then_some(now)
            }
            Pacing::Open { per_second, time } => {
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
        let pacing = Pacing::Open { per_second: 100.0, time };
        let clock = Clock { pacing, began, taken: Cell::new(0) };
        for n in 0..100 {
            let due = clock.next_start().await.unwrap();
            assert_eq!(due - began, Duration::from_millis(10) * n);
        }
        assert_eq!(clock.next_start().await, None);
    }

    #[tokio::test]
    async fn a_closed_loop_is_timed_from_now_until_time_is_up() {
        let (before, time) = (Instant::now(), Duration::from_secs(60));
        let clock = |began| Clock { pacing: Pacing::Closed(time), began, taken: Cell::new(0) };
        assert!(clock(before).next_start().await.unwrap() >= before);
        assert_eq!(clock(before - time).next_start().await, None);
    }
}
