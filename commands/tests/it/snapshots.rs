//! Long streams are loaded from a snapshot, with the same result as from all events.

use commands::Bus;
use domain::{Event, Kind, State};
use event_store::{LoadedStream, SnapshotKey};
use sqlx::PgPool;

use crate::support::*;

/// Writes many deliveries of one mug, each as one event.
async fn deliver(bus: &Bus, deliveries: usize) {
    for delivered in (0..deliveries).step_by(250) {
        let some = (deliveries - delivered).min(250);
        for result in all((0..some).map(|_| adjust(bus, &mug(), 1))).await {
            result.unwrap();
        }
    }
}

async fn loaded(bus: &Bus) -> LoadedStream {
    let wanted =
        SnapshotKey { stream_id: mug().inventory().id, schema: State::schema(Kind::Inventory) };
    bus.store().load_from_snapshots(&[wanted]).await.unwrap().pop().unwrap()
}

async fn until_snapshot(bus: &Bus, at_least: i32) -> i32 {
    let version = async || loaded(bus).await.snapshot.map_or(0, |snapshot| snapshot.version);
    until(async || version().await >= at_least).await;
    version().await
}

/// The state and version by all events of the stream, from the first on.
async fn folded(bus: &Bus) -> (State, i32) {
    let events = bus.store().load(mug().inventory().id, 0).await.unwrap();
    let mut state = State::absent(Kind::Inventory);
    for event in &events {
        state.apply(Event::decode(Kind::Inventory, &event.payload).unwrap());
    }
    (state, events.last().unwrap().version)
}

/// Deletes events, as no program may do, so that a load that reads them fails.
async fn delete_events_before(pool: &PgPool, version: i32) {
    let mut connection = pool.acquire().await.unwrap();
    let damage = "set session_replication_role = replica";
    sqlx::raw_sql(damage).execute(&mut *connection).await.unwrap();
    sqlx::query("delete from events where stream_id = $1 and version < $2")
        .bind(mug().inventory().id)
        .bind(version)
        .execute(&mut *connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn delete_snapshots(pool: &PgPool) {
    sqlx::raw_sql("delete from snapshots").execute(pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_two_thousand_events_is_loaded_from_a_snapshot() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    deliver(&a, 400).await;
    assert!(loaded(&a).await.snapshot.is_none(), "a short stream has no snapshot");
    deliver(&a, 1_600).await;
    until_snapshot(&a, 1_500).await;
    let b = shop.node().await;
    assert_eq!(b.load(mug().inventory()).await.unwrap(), folded(&a).await);
    assert!(loaded(&b).await.events.len() <= 502);
    adjust(&b, &mug(), 1).await.unwrap();
    assert_eq!(shop.stock(&mug()).await.on_hand, 2_002);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_snapshot_and_the_later_events_are_read() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    deliver(&a, 600).await;
    let version = until_snapshot(&a, 500).await;
    delete_events_before(shop.database.pool(), version).await;
    let (b, c) = (shop.node().await, shop.node().await);
    // First from the cache, then under the log's lock.
    let fighting = (0..100).map(|n| adjust(if n % 2 == 0 { &b } else { &c }, &mug(), 1));
    for result in all(fighting).await {
        result.unwrap();
    }
    assert_eq!(shop.stock(&mug()).await.on_hand, 701);
    // The control: without the snapshot the stream cannot be read any more.
    delete_snapshots(shop.database.pool()).await;
    assert!(shop.node().await.load(mug().inventory()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_stream_without_snapshot_gets_one_after_its_first_load() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    deliver(&a, 600).await;
    until_snapshot(&a, 500).await;
    a.shutdown().await;
    delete_snapshots(shop.database.pool()).await;
    let b = shop.node().await;
    assert_eq!(seen_on_hand(&b, &mug()).await, Some(601));
    assert_eq!(until_snapshot(&b, 1).await, 602);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_has_only_durable_events() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    deliver(&a, 600).await;
    until_snapshot(&a, 500).await;
    delete_snapshots(shop.database.pool()).await;
    let durable = folded(&a).await;

    let lock = LogLock::hold(&shop).await;
    let pending: Vec<_> = (0..100).map(|_| tokio::spawn(adjust(&a, &mug(), 1))).collect();
    until_seen_on_hand(&a, &mug(), 701).await;
    // The same node loads the stream, and so requests a snapshot.
    assert_eq!(a.load(mug().inventory()).await.unwrap(), durable);
    assert_eq!(until_snapshot(&a, 1).await, durable.1);
    let snapshot = loaded(&a).await.snapshot.unwrap();
    assert_eq!(serde_json::from_str::<State>(&snapshot.state).unwrap(), durable.0);
    lock.release().await;
    for command in pending {
        within(command).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_cannot_be_read_is_ignored_and_replaced() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    deliver(&a, 600).await;
    until_snapshot(&a, 500).await;
    a.shutdown().await;
    let spoil = "update snapshots set state = '{\"no\":\"state\"}'";
    sqlx::raw_sql(spoil).execute(shop.database.pool()).await.unwrap();
    let b = shop.node().await;
    assert_eq!(b.load(mug().inventory()).await.unwrap(), folded(&b).await);
    until(async || loaded(&b).await.snapshot.unwrap().state.contains("on_hand")).await;
}
