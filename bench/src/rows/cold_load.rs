//! `cold_load`: the stock of a SKU that has sold 100,000 times, loaded by a bus that has never seen
//! it, beside the same of a SKU of which there is one event.

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
use crate::report::Line;
use crate::sample::{Sample, latencies};
use crate::stage::Stage;

const RESERVATIONS: usize = 200;
/// Loads of one run, if time allows.
const LOADS: u64 = 50;
const SNAPSHOT_MAX: Duration = Duration::from_secs(60);

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    stage.message("cold_load: selling one SKU all day");
    let (url, pool) = stage.database("cold_load").await?;
    let sold: Sku = "SOLD".parse()?;
    history::stock(&pool, &sold, stage.sizes.cold_stream, RESERVATIONS).await?;
    let store = EventStore::connect(&url, StoreOptions::default()).await?;
    let snapshot_at = use_it(&store, &pool, &sold).await?;
    let version = store.head().await? as i32 - 1;
    let pairs = stage
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
    Ok(Line::of_pairs(limit, ("cold_load".to_owned(), conditions), "loads/s", &pairs))
}

/// Lets a bus work on the stream, which leaves a snapshot behind; answers with its version.
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

/// Waits for the snapshot of a stream; none where this shop takes none.
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

/// Each load is by a bus of its own, which has nothing in memory.
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
        let asked = Instant::now();
        let (state, version) = bus.load(stream).await?;
        latency.record(asked.elapsed().as_micros() as u64)?;
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
