//! Projectors apply every event exactly once and in order, whatever failures happen.

use std::time::Duration;

use event_store::EventStore;
use projections::{Projector, ReadModel};
use uuid::Uuid;

use crate::support::{Shop, node, options, until, within};
use crate::traffic::traffic;

/// A projection that applied an event twice, or skipped one, halts at the next event of the stream.
async fn assert_nothing_halted(projector: &Projector) {
    for status in projector.read_models().status().await.unwrap() {
        assert_eq!(status.stopped_because, None, "{}", status.model);
    }
}

/// Starts a projector with small batches, so that there are many points at which it can be killed;
/// with short leases; and with so little memory that rows are dropped and loaded again all the
/// time.
fn start(store: &EventStore) -> Projector {
    let options = projections::ProjectorOptions {
        batch_events: 7,
        hot_rows: 6,
        lease_ttl: Duration::from_millis(100),
        renew_every: Duration::from_millis(20),
        pace: Duration::ZERO,
        ..options()
    };
    Projector::start(store.clone(), options)
}

/// Waits until some projection has moved, and then for a random number of further steps.
async fn some_progress(shop: &Shop) {
    let moved = "select coalesce(sum(position), 0)::bigint from leases";
    let before = shop.count(moved).await;
    until(async || shop.count(moved).await > before).await;
    for _ in 0..Uuid::new_v4().as_u128() % 3_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_killed_at_arbitrary_points_applies_every_event_once_and_in_order() {
    let shop = Shop::open().await;
    for round in 0..20 {
        traffic(&shop, round * 30..(round + 1) * 30).await;
        let killed = start(&shop.store);
        some_progress(&shop).await;
        drop(killed);
    }
    let projector = start(&shop.store);
    shop.caught_up(&projector).await;
    assert_nothing_halted(&projector).await;
    within(projector.shutdown()).await;
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_competing_nodes_that_are_killed_in_turn_apply_every_event_once_and_in_order() {
    let shop = Shop::open().await;
    let other = node(&shop.database).await;
    let mut nodes = [start(&shop.store), start(&other)];
    for round in 0..12 {
        tokio::join!(some_progress(&shop), traffic(&shop, round * 20..(round + 1) * 20));
        let store = if round % 2 == 0 { &shop.store } else { &other };
        nodes[round as usize % 2] = start(store);
    }
    for node in &nodes {
        shop.caught_up(node).await;
        assert_nothing_halted(node).await;
    }
    for node in nodes {
        within(node.shutdown()).await;
    }
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_may_be_lost_at_arbitrary_points() {
    let shop = Shop::open().await;
    let projector = start(&shop.store);
    for round in 0..10 {
        tokio::join!(some_progress(&shop), traffic(&shop, round * 15..(round + 1) * 15));
        // These are the projector's connections, which are in use.
        shop.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()
               and query ~ 'unnest|leases|commit|begin' and query !~ 'append_events'",
        )
        .await;
    }
    shop.caught_up(&projector).await;
    assert_nothing_halted(&projector).await;
    within(projector.shutdown()).await;
    shop.assert_equal_to_rebuilds().await;
}

/// The control: what the tests would see if a checkpoint and its rows disagreed.
#[tokio::test]
async fn a_checkpoint_that_disagrees_with_its_rows_halts_the_projection() {
    let shop = Shop::open().await;
    traffic(&shop, 0..20).await;
    shop.projected().await;
    shop.sql("update leases set position = position - 5 where name = 'projection:inventory'").await;

    let projector = shop.project();

    let inventory = ReadModel::ALL.iter().position(|m| *m == ReadModel::Inventory).unwrap();
    let models = projector.read_models();
    until(async || {
        let status = models.status().await.unwrap();
        let reason = status[inventory].stopped_because.as_deref();
        reason.is_some_and(|reason| reason.contains("does not follow"))
    })
    .await;
}
