//! The load: there are carts with one unit each; every writer puts one more into some cart, again and
//! again, and all of them are counted afterwards.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::cart::{AddLine, Money};

pub type Failure = Box<dyn Error + Send + Sync>;

/// An event store with carts in it.
pub trait Peer: Send + Sync + 'static {
    /// Loads the cart, decides, appends.
    fn add(
        &self,
        cart: Uuid,
        command: AddLine,
    ) -> impl Future<Output = Result<Added, Failure>> + Send;

    /// What is in the cart, as its events say.
    fn units(&self, cart: Uuid) -> impl Future<Output = Result<u64, Failure>> + Send;
}

pub enum Added {
    Done,
    /// Somebody else has written to the cart meanwhile: to be tried again.
    Conflict,
}

#[derive(Debug)]
pub struct Load {
    writers: usize,
    carts: Arc<[Uuid]>,
    time: Duration,
}

/// The last line that the program prints.
#[derive(Debug, Serialize)]
pub struct Report {
    name: &'static str,
    commands: u64,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    conflicts: u64,
    errors: u64,
}

/// Products in one cart, as in the shop's own load.
const SKUS_PER_CART: usize = 3;

#[derive(Default)]
struct Writer {
    micros: Vec<u64>,
    conflicts: u64,
    errors: u64,
}

impl Load {
    pub fn new(writers: usize, carts: usize, seconds: f64) -> Result<Load, Failure> {
        let carts = (0..carts).map(|_| Uuid::now_v7()).collect();
        Ok(Load { writers, carts, time: Duration::try_from_secs_f64(seconds)? })
    }

    /// # Errors
    /// When a command was acknowledged and is not in its cart.
    pub async fn run(self, name: &'static str, peer: impl Peer) -> Result<Report, Failure> {
        let peer = Arc::new(peer);
        self.open(&peer).await?;
        let mut tasks = JoinSet::new();
        let began = Instant::now();
        for _ in 0..self.writers {
            tasks.spawn(write(peer.clone(), self.carts.clone(), began + self.time));
        }
        let writers = tasks.join_all().await;
        let elapsed = began.elapsed();

        let mut micros: Vec<u64> = vec![];
        let (mut conflicts, mut errors) = (0, 0);
        for writer in writers {
            micros.extend(writer.micros);
            conflicts += writer.conflicts;
            errors += writer.errors;
        }
        let commands = micros.len() as u64;
        let added = commands + self.carts.len() as u64;
        let mut units = 0;
        for cart in self.carts.iter() {
            units += peer.units(*cart).await?;
        }
        if units != added {
            return Err(format!("{added} units were added, and the carts hold {units}").into());
        }
        micros.sort_unstable();
        Ok(Report {
            name,
            commands,
            per_second: commands as f64 / elapsed.as_secs_f64(),
            p50_ms: quantile_ms(&micros, 50),
            p99_ms: quantile_ms(&micros, 99),
            conflicts,
            errors,
        })
    }

    /// Puts a first unit into every cart, all writers at once.
    async fn open(&self, peer: &Arc<impl Peer>) -> Result<(), Failure> {
        let mut tasks = JoinSet::new();
        for writer in 0..self.writers {
            let (peer, carts, writers) = (peer.clone(), self.carts.clone(), self.writers);
            tasks.spawn(async move {
                for n in (writer..carts.len()).step_by(writers) {
                    peer.add(carts[n], add_line(n, 0)).await?;
                }
                Ok::<(), Failure>(())
            });
        }
        tasks.join_all().await.into_iter().collect()
    }
}

/// The next command goes out when the last one is answered; its latency is that of all its tries.
async fn write(peer: Arc<impl Peer>, carts: Arc<[Uuid]>, until: Instant) -> Writer {
    let mut writer = Writer::default();
    loop {
        let n = rand::random_range(0..carts.len());
        let command = add_line(n, writer.micros.len());
        let sent = Instant::now();
        if sent >= until {
            return writer;
        }
        loop {
            match peer.add(carts[n], command.clone()).await {
                Ok(Added::Done) => {
                    writer.micros.push(sent.elapsed().as_micros() as u64);
                    break;
                }
                Ok(Added::Conflict) => writer.conflicts += 1,
                Err(error) => {
                    if writer.errors == 0 {
                        eprintln!("{error}");
                    }
                    writer.errors += 1;
                    break;
                }
            }
        }
    }
}

fn add_line(cart: usize, n: usize) -> AddLine {
    AddLine {
        owner: Uuid::from_u128(cart as u128),
        sku: format!("BENCH-{:02}", (cart * SKUS_PER_CART + n % SKUS_PER_CART) % 50),
        quantity: 1,
        unit_price: Money { amount: 1999, currency: "USD".to_owned() },
    }
}

fn quantile_ms(sorted: &[u64], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default() as f64 / 1e3
}
