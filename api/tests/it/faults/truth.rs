//! Checks of the log, the stocks and the read models that must hold after any failure.

use std::collections::HashMap;

use domain::cart::Owner;
use domain::inventory::Inventory;
use domain::{CartId, Sku, State, StreamId};
use event_store::{EventStore, StoreOptions};
use projections::rebuild::{RebuildMode, rebuild};
use projections::{ReadModel, ReadModels};

use super::load::{Work, Worker, person};
use crate::cluster::BOUND;

/// The whole log, read and folded.
pub(crate) struct LogCheck {
    store: EventStore,
    /// Every aggregate, folded from its first event to its last.
    states: HashMap<StreamId, State>,
}

impl LogCheck {
    /// Reads the log, and checks that positions and versions are contiguous, that every event can
    /// be decoded, and that no stock was ever oversold.
    pub(crate) async fn of(url: &str) -> LogCheck {
        let options = StoreOptions { max_connections: 4, ..StoreOptions::default() };
        let store = EventStore::connect(url, options).await.unwrap();
        let (mut states, mut versions) = (HashMap::new(), HashMap::new());
        let mut read = 0;
        loop {
            // The event store reports a hole in the positions as an error.
            let events = store.read(read, 1_000).await.unwrap();
            let Some(last) = events.last() else { break };
            read = last.position;
            for recorded in &events {
                let event = projections::decode(recorded).unwrap();
                let version = versions.entry(event.stream).or_insert(0);
                *version += 1;
                assert_eq!(event.version, *version, "{}", event.stream);
                let absent = || State::absent(event.stream.kind);
                let state = states.entry(event.stream).or_insert_with(absent);
                state.apply(event.event);
                assert_not_oversold(state, recorded.position);
            }
        }
        // Messages may still be sent while this runs.
        let count: i64 = sqlx::query_scalar("select count(*) from events where position <= $1")
            .bind(read)
            .fetch_one(store.pool())
            .await
            .unwrap();
        assert_eq!(count, read, "positions are contiguous from 1");
        LogCheck { store, states }
    }

    /// Checks that every read model reaches the head of the log, and equals its rebuild.
    pub(crate) async fn check_read_models(&self) {
        let head = self.store.head().await.unwrap();
        let live = ReadModels::new(self.store.pool().clone());
        live.wait_for(&ReadModel::ALL, head, BOUND).await.unwrap();
        for model in ReadModel::ALL {
            let report = rebuild(&self.store, model, RebuildMode::Verify, |_| ()).await.unwrap();
            assert!(report.compared.is_some() && report.is_clean(), "{report:#?}");
        }
    }

    /// Checks that every acknowledged command is in the log at its position, and took effect once.
    pub(crate) async fn check_acknowledged(&self, workers: &[Worker]) {
        for worker in workers {
            for (command, position) in &worker.acknowledged {
                let events = self.store.load_command(*command).await.unwrap();
                let events = events.unwrap_or_else(|| panic!("lost, though at {position}"));
                assert_eq!(events.last().unwrap().position, *position);
            }
            if worker.work != Work::Stock {
                let in_carts = self.units_in_carts_of(&worker.subject);
                assert_eq!(in_carts, worker.units, "{}", worker.subject);
            }
        }
        let placed: usize = workers.iter().map(|worker| worker.orders).sum();
        assert_eq!(self.orders_of(workers), placed);
    }

    fn orders_of(&self, workers: &[Worker]) -> usize {
        let customers: Vec<_> =
            workers.iter().map(|worker| Owner::Customer(person(&worker.subject))).collect();
        let theirs = |state: &&State| match state {
            State::Order(order) => {
                order.details().is_some_and(|order| customers.contains(&order.placed.buyer))
            }
            _ => false,
        };
        self.states.values().filter(theirs).count()
    }

    /// The units in all carts that a customer has ever had.
    fn units_in_carts_of(&self, subject: &str) -> i64 {
        let customer = person(subject);
        let carts =
            (1..).map_while(|n| self.states.get(&CartId::of_customer(customer, n).stream()));
        let units = |state: &State| match state {
            State::Cart(cart) => {
                cart.details().unwrap().lines.iter().map(|line| line.quantity.units()).sum::<i64>()
            }
            _ => 0,
        };
        carts.map(units).sum()
    }

    pub(crate) fn on_hand(&self, sku: &str) -> i64 {
        let sku: Sku = sku.parse().unwrap();
        match &self.states[&sku.inventory()] {
            State::Inventory(Inventory::Stocked(stock)) => stock.on_hand,
            other => panic!("no stock: {other:?}"),
        }
    }

    /// The number of orders.
    pub(crate) fn orders(&self) -> usize {
        self.states.values().filter(|state| matches!(state, State::Order(_))).count()
    }
}

fn assert_not_oversold(state: &State, position: i64) {
    if let State::Inventory(Inventory::Stocked(stock)) = state {
        assert!(
            stock.reserved >= 0 && stock.on_hand >= stock.reserved,
            "{} of {} at {position}",
            stock.on_hand - stock.reserved,
            stock.sku
        );
    }
}
