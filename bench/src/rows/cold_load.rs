//! `cold_load`: loads the stock of a SKU that was sold 100,000 times, on a bus with an empty cache;
//! compared with the stock of a SKU that has one event.

use std::time::{Duration, Instant};

use commands::{AggregateCommand, Bus, Context};
use domain::inventory::{Inventory, InventoryCommand};
use domain::product::{Product, ProductCommand};
use domain::{Currency, Money, Sku, State, StreamId, Text};
use event_store::{EventStore, StoreOptions};
use sqlx::PgPool;
use tokio::time::sleep;

use crate::error::{BenchError, check};
use crate::history;
use crate::report::ReportLine;
use crate::sample::{Sample, latencies};
use crate::shared_servers::SharedServers;

const RESERVATIONS: usize = 200;
/// Number of loads of one run, if there is time for them.
const LOADS: u64 = 50;
const SNAPSHOT_MAX: Duration = Duration::from_secs(60);

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    shared.message("cold_load: writing the stream of one SKU");
    let (url, pool) = shared.database("cold_load").await?;
    let sold: Sku = "SOLD".parse()?;
    history::stock(&pool, &sold, shared.sizes.cold_stream, RESERVATIONS).await?;
    let store = EventStore::connect(&url, StoreOptions::default()).await?;
    let snapshot_at = use_it(&store, &pool, &sold).await?;
    let version = store.head().await? as i32 - 1;
    let pairs = shared
        .interleave(
            "cold_load",
            async |time| {
                load(&store, sold.product(), time, |state, version| {
                    version == 1 && matches!(state, State::Product(Product::Active(_)))
                })
                .await
            },
            async |time| {
                load(&store, sold.inventory(), time, |state, at| {
                    at == version && reserved(state) == Some(RESERVATIONS as i64)
                })
                .await
            },
        )
        .await?;
    store.shutdown().await;
    pool.close().await;
    let snapshot = match snapshot_at {
        Some(version) => format!("a snapshot at version {version}"),
        None => "no snapshot".to_owned(),
    };
    let limit = ("limit_cold_load".to_owned(), "a stream of one event".to_owned());
    let conditions =
        format!("a stream of {version} events, {RESERVATIONS} reservations open, {snapshot}");
    Ok(ReportLine::of_pairs(limit, ("cold_load".to_owned(), conditions), "loads/s", &pairs))
}

/// Executes a command on the stream, which stores a snapshot of it; returns the snapshot's version.
async fn use_it(store: &EventStore, pool: &PgPool, sku: &Sku) -> Result<Option<i32>, BenchError> {
    let bus = Bus::new(store.clone(), 100);
    let context = || Context::once("system:bench");
    let create = ProductCommand::Create {
        sku: sku.clone(),
        name: Text::new("Something that sells", Text::SHORT)?,
        description: None,
        image_url: None,
        price: Money::new(1_999, Currency::USD),
    };
    let create = AggregateCommand { name: "productCreate", id: sku.clone(), command: create };
    bus.execute(create, context()).await?;
    let level = InventoryCommand::SetReorderLevel { reorder_level: 11, reorder_quantity: 100 };
    let ask = AggregateCommand { name: "inventoryUpdate", id: sku.clone(), command: level };
    bus.execute(ask, context()).await?;
    let version = snapshot(pool, sku.inventory()).await?;
    bus.shutdown().await;
    Ok(version)
}

/// Waits for the snapshot of a stream; None if there is no table of snapshots.
async fn snapshot(pool: &PgPool, stream: StreamId) -> Result<Option<i32>, BenchError> {
    let takes = "select to_regclass('snapshots') is not null";
    if !sqlx::query_scalar::<_, bool>(takes).fetch_one(pool).await? {
        return Ok(None);
    }
    let began = Instant::now();
    loop {
        let version = sqlx::query_scalar("select version from snapshots where stream_id = $1");
        let version: Option<i32> = version.bind(stream.id).fetch_optional(pool).await?;
        if version.is_some() {
            return Ok(version);
        }
        check(began.elapsed() < SNAPSHOT_MAX, || format!("no snapshot of {stream}"))?;
        sleep(Duration::from_millis(20)).await;
    }
}

/// Loads the stream again and again, each time on a new bus with an empty cache.
async fn load(
    store: &EventStore,
    stream: StreamId,
    time: Duration,
    right: impl Fn(&State, i32) -> bool,
) -> Result<Sample, BenchError> {
    let mut latency = latencies();
    let began = Instant::now();
    while latency.is_empty() || (latency.len() < LOADS && began.elapsed() < time) {
        let bus = Bus::new(store.clone(), 100);
        let sent = Instant::now();
        let (state, version) = bus.load(stream).await?;
        latency.record(sent.elapsed().as_micros() as u64)?;
        check(right(&state, version), || format!("{stream} was loaded at {version}: {state:?}"))?;
        bus.shutdown().await;
    }
    let loads = latency.len();
    Ok(Sample::new(loads, began.elapsed(), &latency))
}

/// Each reservation is one unit.
fn reserved(state: &State) -> Option<i64> {
    match state {
        State::Inventory(Inventory::Stocked(stock)) => Some(stock.reserved),
        _ => None,
    }
}
