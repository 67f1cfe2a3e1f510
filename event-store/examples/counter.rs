//! A counter, as a plain cqrs-es program on the log: `cargo run -p event-store --example counter`.
//!
//! Its database is a private Postgres in `target/counter`, so each run continues from the count of
//! the last one.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateContext, CqrsFramework, DomainEvent, EventStore as _};
use event_store::cqrs::{CqrsStore, stream_id};
use event_store::{EventStore, MIGRATIONS, StoreOptions};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Counter {
    sum: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum CounterEvent {
    #[serde(rename = "counter.added")]
    Added { amount: u64 },
}

impl DomainEvent for CounterEvent {
    fn event_type(&self) -> String {
        "counter.added".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the amount must be at least 1")]
struct NothingToAdd;

struct Add(u64);

impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    type Command = Add;
    type Event = CounterEvent;
    type Error = NothingToAdd;
    type Services = ();

    async fn handle(
        &mut self,
        Add(amount): Add,
        _: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), NothingToAdd> {
        if amount == 0 {
            return Err(NothingToAdd);
        }
        sink.write(CounterEvent::Added { amount }, self).await;
        Ok(())
    }

    fn apply(&mut self, CounterEvent::Added { amount }: CounterEvent) {
        self.sum += amount;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let postgres = local_postgres::Cluster::start("target/counter".as_ref()).await?;
    MIGRATIONS.run(&sqlx::PgPool::connect(&postgres.url()).await?).await?;
    let log = EventStore::connect(&postgres.url(), StoreOptions::default()).await?;

    let counters = CqrsFramework::new(CqrsStore::<Counter>::new(log.clone()), vec![], ());
    for amount in 1..=3 {
        counters.execute("visitors", Add(amount)).await?;
    }
    println!("refused: {}", counters.execute("visitors", Add(0)).await.unwrap_err());

    for event in log.load(stream_id(Counter::TYPE, "visitors"), 0).await? {
        println!("{} {} {}", event.position, event.event_type, event.payload);
    }
    let mut counter = CqrsStore::<Counter>::new(log.clone()).load_aggregate("visitors").await?;
    println!("the counter is at {}", counter.aggregate().sum);

    log.shutdown().await;
    Ok(postgres.stop().await?)
}
