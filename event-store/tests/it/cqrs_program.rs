//! A plain cqrs-es program on the log.

use std::collections::HashMap;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{
    Aggregate, AggregateContext, AggregateError, CqrsFramework, DomainEvent, EventStore,
};
use event_store::cqrs::{CqrsStore, stream_id};
use serde::{Deserialize, Serialize};

use crate::support::*;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Counter {
    sum: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum CounterEvent {
    #[serde(rename = "counter.added")]
    Added { amount: i64 },
}

impl DomainEvent for CounterEvent {
    fn event_type(&self) -> String {
        "counter.added".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("a counter never falls")]
struct NeverFalls;

/// Adds each amount.
struct Add(Vec<i64>);

impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    type Command = Add;
    type Event = CounterEvent;
    type Error = NeverFalls;
    type Services = ();

    async fn handle(
        &mut self,
        Add(amounts): Add,
        _: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), NeverFalls> {
        for amount in amounts {
            if amount < 0 {
                return Err(NeverFalls);
            }
            sink.write(CounterEvent::Added { amount }, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, CounterEvent::Added { amount }: CounterEvent) {
        self.sum += amount;
    }
}

type Store = CqrsStore<Counter>;

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_cqrs_es_program_runs() {
    let (_database, store) = fresh().await;
    let program = CqrsFramework::new(Store::new(store.clone()), vec![], ());
    program.execute("north", Add(vec![1, 2])).await.unwrap();
    program.execute("north", Add(vec![3])).await.unwrap();
    program.execute("south", Add(vec![10])).await.unwrap();
    program.execute("south", Add(vec![])).await.unwrap();
    let refused = program.execute("north", Add(vec![5, -1])).await.unwrap_err();
    assert!(matches!(refused, AggregateError::UserError(NeverFalls)));
    let mut north = Store::new(store.clone()).load_aggregate("north").await.unwrap();
    assert_eq!(north.aggregate().sum, 6);
    let stored = store.load(stream_id("counter", "north"), 0).await.unwrap();
    assert_eq!(stored.len(), 3);
    assert_eq!(&*stored[2].event_type, "counter.added");
    assert_eq!(stored[2].payload, r#"{"counter.added":{"amount":3}}"#);
    assert_eq!(&*stored[2].actor, "system:cqrs-es");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_loaded_with_its_commands_metadata() {
    let (_database, store) = fresh().await;
    let program = CqrsFramework::new(Store::new(store.clone()), vec![], ());
    let metadata = |trace: &str| {
        let pairs = [("trace", trace), ("actor", "staff:7")];
        HashMap::from(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
    };
    program.execute_with_metadata("n", Add(vec![1, 2]), metadata("x")).await.unwrap();
    program.execute_with_metadata("n", Add(vec![3]), metadata("y")).await.unwrap();
    let events = Store::new(store.clone()).load_events("n").await.unwrap();
    let seen: Vec<_> = events.into_iter().map(|e| (e.sequence, e.payload, e.metadata)).collect();
    let expected = [(1, "x"), (2, "x"), (3, "y")]
        .map(|(n, trace)| (n, CounterEvent::Added { amount: n as i64 }, metadata(trace)));
    assert_eq!(seen, expected);
    assert_eq!(&*store.read(0, 1).await.unwrap()[0].actor, "staff:7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_decided_on_old_state_conflicts() {
    let (_database, store) = fresh().await;
    let store = Store::new(store);
    let stale = store.load_aggregate("n").await.unwrap();
    let current = store.load_aggregate("n").await.unwrap();
    let added = || vec![CounterEvent::Added { amount: 1 }];
    store.commit(added(), current, HashMap::new()).await.unwrap();
    let conflict = store.commit(added(), stale, HashMap::new()).await.unwrap_err();
    assert!(matches!(conflict, AggregateError::AggregateConflict));
}
