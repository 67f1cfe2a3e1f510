//! Exactly once and in order, whatever happens to the projectors.

use std::time::Duration;

use event_store::EventStore;
use projections::{Projector, ReadModel};
use uuid::Uuid;

use crate::support::{Shop, node, options, until, within};
use crate::traffic::traffic;

/// A projection that met an event twice, or missed one, stops at the next event of the stream.
async fn assert_nothing_stopped(projector: &Projector) {
    for status in projector.read_models().status().await.unwrap() {
        assert_eq!(status.stopped_because, None, "{}", status.model);
    }
}

/// Small batches, so that there are many points to be killed at, leases that soon run out, and so
/// little memory that rows are forgotten and loaded again all the time.
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

/// Until some projection has moved, and then for an arbitrary while that is not measured in time.
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
    assert_nothing_stopped(&projector).await;
    within(projector.shutdown()).await;
    shop.assert_true_to_the_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_compete_and_die_in_turn_apply_every_event_once_and_in_order() {
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
        assert_nothing_stopped(node).await;
    }
    for node in nodes {
        within(node.shutdown()).await;
    }
    shop.assert_true_to_the_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_may_be_lost_at_arbitrary_points() {
    let shop = Shop::open().await;
    let projector = start(&shop.store);
    for round in 0..10 {
        tokio::join!(some_progress(&shop), traffic(&shop, round * 15..(round + 1) * 15));
        // Those of the projector, as they are at work.
        shop.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()
               and query ~ 'unnest|leases|commit|begin' and query !~ 'append_events'",
        )
        .await;
    }
    shop.caught_up(&projector).await;
    assert_nothing_stopped(&projector).await;
    within(projector.shutdown()).await;
    shop.assert_true_to_the_log().await;
}

/// The negative control: were a checkpoint and its rows to part, this is what would be seen.
#[tokio::test]
async fn a_checkpoint_that_parted_from_its_rows_stops_the_projection() {
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
