//! `store_command`: 64 writers load, decide and append through the command bus; compared with the
//! event store alone, where nothing is decided, and with the peers, which do the same work on the
//! same Postgres.
//!
//! Every run of every contender begins with 1,000 new carts of one unit each, which are not
//! counted. It ends when each acknowledged unit was found in its cart. On a busy machine a
//! contender with more processes gets a larger share of the processor, so the processor time of a
//! command is shown too: that of Postgres, of the contender and of the checks together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use commands::cart::{AddLines, WantedLine};
use commands::{AggregateCommand, Bus, Context};
use domain::cart::{Cart, Owner};
use domain::product::ProductCommand;
use domain::{CartId, Currency, CustomerId, Money, Quantity, Sku, State, Text};
use event_store::{EventStore, StoreOptions};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::append::Writers;
use crate::check::CheckedLog;
use crate::error::{BenchError, check};
use crate::load::{SKUS_PER_CART, skus};
use crate::peers::Peers;
use crate::process::cpu_of_family;
use crate::report::ReportLine;
use crate::sample::{Sample, Spread, latencies};
use crate::shared_servers::{Pair, SharedServers};

const WRITERS: usize = 64;
const CARTS: usize = 1_000;
/// A week, in seconds.
const CART_LASTS: u32 = 604_800;
/// The index of the event store alone among the contenders; the bus comes before it, the peers
/// after it.
const ALONE: usize = 1;
/// The number of aggregates that the server caches.
const CACHED: usize = 20_000;

/// The peers in the order in which they run: name, row of the limit, row of the ratio.
const PEERS: [(&str, &str, &str); 2] =
    [("cqrs-es", "peer_cqrs_es", "store_command"), ("esrs", "peer_esrs", "store_command_esrs")];

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    shared.message("preparing store_command");
    let peers = Peers::find(shared).await;
    let mut databases = vec![];
    for (peer, row, _) in PEERS {
        databases.push((peer, shared.empty_database(row).await?));
    }
    let shop = BusShop::open(shared).await?;
    let (url, pool) = shared.database("limit_store").await?;
    let mut alone = Writers::begin(&url, pool, WRITERS).await?;
    let contenders = 2 + peers.iter().count() * PEERS.len();
    let mut micros = vec![vec![]; contenders];
    let samples = shared
        .take_turns("store_command", contenders, async |contender, time| {
            let before = processor_time(shared)?;
            let sample = match &peers {
                Some(peers) if contender > ALONE => {
                    let (peer, url) = &databases[contender - ALONE - 1];
                    peers.run(peer, url, (WRITERS, CARTS), time).await?
                }
                _ if contender == ALONE => alone.run(time).await?,
                _ => shop.run(time).await?,
            };
            let spent = processor_time(shared)?.saturating_sub(before).as_secs_f64();
            let opened = if contender == ALONE { 0 } else { CARTS };
            let commands = sample.per_second * time.as_secs_f64() + opened as f64;
            micros[contender].push(spent * 1e6 / commands);
            Ok(sample)
        })
        .await?;
    alone.end().await?;
    shop.close().await;
    Ok(lines(&samples, &micros))
}

/// Processor time of all of Postgres, and of this program with its child processes.
fn processor_time(shared: &SharedServers) -> Result<Duration, BenchError> {
    Ok(cpu_of_family(shared.postgres())? + cpu_of_family(std::process::id())?)
}

/// The lines of the bus compared with each other contender; `micros` is the processor time of a
/// command in each run.
fn lines(samples: &[Vec<Sample>], micros: &[Vec<f64>]) -> Vec<ReportLine> {
    let conditions = |contender: usize, how: &str| {
        let micros = Spread::of(micros[contender].iter().copied());
        let micros = micros.map(|micros| micros.median).unwrap_or_default();
        format!("{WRITERS} writers, {how}, {micros:.0} µs of processor each")
    };
    let work = conditions(0, &format!("{CARTS} new carts a run"));
    let mut limits = vec![("limit_store", "store_command_alone", "a stream each, nothing decided")];
    limits.extend(PEERS.map(|(_, limit, row)| (limit, row, "as its authors set it up")));
    let mut lines = vec![];
    for (((limit, row, how), others), contender) in limits.into_iter().zip(&samples[1..]).zip(1..) {
        let pairs = others.iter().zip(&samples[0]);
        let pairs: Vec<_> = pairs.map(|(limit, row)| Pair { limit: *limit, row: *row }).collect();
        let limit = (limit.to_owned(), conditions(contender, how));
        lines.extend(ReportLine::of_pairs(
            limit,
            (row.to_owned(), work.clone()),
            "commands/s",
            &pairs,
        ));
    }
    lines
}

/// A bus over a log with products in it.
struct BusShop {
    bus: Bus,
    log: CheckedLog,
}

/// The acknowledged command ids and positions of one writer, and its latencies.
type WriterResult = (Vec<(Uuid, i64)>, Histogram<u64>);

impl BusShop {
    async fn open(shared: &SharedServers) -> Result<BusShop, BenchError> {
        let (url, pool) = shared.database("store_command").await?;
        let bus = Bus::new(EventStore::connect(&url, StoreOptions::default()).await?, CACHED);
        for sku in skus() {
            let sku: Sku = sku.parse()?;
            let create = ProductCommand::Create {
                sku: sku.clone(),
                name: Text::new("Something to sell", Text::SHORT)?,
                description: None,
                image_url: None,
                price: Money::new(1_999, Currency::USD),
            };
            let ask = AggregateCommand { name: "productCreate", id: sku, command: create };
            bus.execute(ask, Context::once("system:bench")).await?;
        }
        Ok(BusShop { bus, log: CheckedLog::new(pool) })
    }

    async fn run(&self, time: Duration) -> Result<Sample, BenchError> {
        let carts: Arc<[CartId]> = (0..CARTS).map(|_| CartId(Uuid::now_v7())).collect();
        let skus = skus().map(|sku| sku.parse()).collect::<Result<Arc<[Sku]>, _>>()?;
        try_join_all(carts.iter().map(|cart| add_line(&self.bus, *cart, &skus[0]))).await?;
        let mut tasks = JoinSet::new();
        let began = Instant::now();
        for _ in 0..WRITERS {
            let work = write(self.bus.clone(), carts.clone(), skus.clone(), began + time);
            tasks.spawn(work);
        }
        let (mut acks, mut latency) = (vec![], latencies());
        while let Some(ended) = tasks.join_next().await {
            let (own_acks, own_latency) = ended??;
            acks.extend(own_acks);
            latency += own_latency;
        }
        let sample = Sample::new(acks.len() as u64, began.elapsed(), &latency);
        self.log.check_acks(&acks).await?;
        let units = try_join_all(carts.iter().map(|cart| self.units(*cart))).await?;
        let (units, added) = (units.iter().sum::<i64>(), (acks.len() + CARTS) as i64);
        check(units == added, || format!("{added} units were added, the carts hold {units}"))?;
        Ok(sample)
    }

    /// The units in a cart, according to the log.
    async fn units(&self, cart: CartId) -> Result<i64, BenchError> {
        let (state, _) = self.bus.load(cart.stream()).await?;
        match state {
            State::Cart(Cart::Active(details)) => {
                Ok(details.lines.iter().map(|line| line.quantity.units()).sum())
            }
            _ => Ok(0),
        }
    }

    async fn close(self) {
        self.bus.shutdown().await;
        self.bus.store().shutdown().await;
        self.log.pool.close().await;
    }
}

/// One writer: until `until`, it adds one unit to a randomly chosen cart, and measures how long each
/// command takes.
async fn write(
    bus: Bus,
    carts: Arc<[CartId]>,
    skus: Arc<[Sku]>,
    until: Instant,
) -> Result<WriterResult, BenchError> {
    let (mut acks, mut latency) = (vec![], latencies());
    loop {
        let n = rand::random_range(0..CARTS);
        let sku = &skus[(n * SKUS_PER_CART + acks.len() % SKUS_PER_CART) % skus.len()];
        let sent = Instant::now();
        if sent >= until {
            return Ok((acks, latency));
        }
        acks.push(add_line(&bus, carts[n], sku).await?);
        latency.record(sent.elapsed().as_micros() as u64)?;
    }
}

/// Does what the API does after it has parsed the request.
async fn add_line(bus: &Bus, cart: CartId, sku: &Sku) -> Result<(Uuid, i64), BenchError> {
    let key = Uuid::from_u128(rand::random()).to_string();
    let actor = format!("customer:{}", cart.0);
    let context = Context::keyed(actor, &key, "cartLinesAdd", &(cart, sku, 1))?;
    let id = context.command_id;
    let line = WantedLine { sku: sku.clone(), quantity: Quantity::ONE, expected_unit_price: None };
    let owner = Owner::Customer(CustomerId(cart.0));
    let receipt = bus
        .execute(AddLines { cart, owner, idle_seconds: CART_LASTS, lines: vec![line] }, context)
        .await?;
    if receipt.replayed || receipt.events.is_empty() {
        return Err(BenchError::Answer(format!("{receipt:?} to a new command")));
    }
    Ok((id, receipt.position))
}
