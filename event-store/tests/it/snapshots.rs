//! A snapshot makes a load read fewer events, and never changes its result.

use event_store::{EventStore, ExpectedHead, LoadedStream, Snapshot, SnapshotKey};
use uuid::Uuid;

use crate::support::*;

const SCHEMA: Uuid = Uuid::from_u128(1);

fn wanted(stream_id: Uuid) -> SnapshotKey {
    SnapshotKey { stream_id, schema: SCHEMA }
}

/// The snapshot after the event at this version, if the stream is the only one in the log.
fn snapshot(version: i32) -> Snapshot {
    let position = i64::from(version);
    Snapshot { version, position, state: format!("{{ \"as\" : \"of {version}\" }}") }
}

async fn save(store: &EventStore, stream: Uuid, snapshot: &Snapshot) {
    store.save_snapshot("thing", wanted(stream), snapshot).await.unwrap();
}

/// Writes a log of one stream with five events.
async fn five(store: &EventStore) -> Uuid {
    let stream = id();
    let events = (1..=5).map(|version| event(stream, version));
    append(store, item([(stream, ExpectedHead::Durable(0))], events)).await;
    stream
}

async fn load(store: &EventStore, stream: Uuid) -> (Option<Snapshot>, Vec<i32>) {
    let mut loaded = store.load_from_snapshots(&[wanted(stream)]).await.unwrap();
    parts(loaded.pop().unwrap())
}

fn parts(loaded: LoadedStream) -> (Option<Snapshot>, Vec<i32>) {
    (loaded.snapshot, loaded.events.iter().map(|event| event.version).collect())
}

fn everything() -> (Option<Snapshot>, Vec<i32>) {
    (None, vec![1, 2, 3, 4, 5])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_loaded_from_its_snapshot_on() {
    let (_database, store) = fresh().await;
    let stream = five(&store).await;
    assert_eq!(load(&store, stream).await, everything());
    save(&store, stream, &snapshot(3)).await;
    assert_eq!(load(&store, stream).await, (Some(snapshot(3)), vec![4, 5]));
    save(&store, stream, &snapshot(5)).await;
    assert_eq!(load(&store, stream).await, (Some(snapshot(5)), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_are_loaded_in_the_order_given() {
    let (_database, store) = fresh().await;
    let (long, new, none) = (five(&store).await, id(), id());
    opened(&store, new).await;
    save(&store, long, &snapshot(4)).await;
    let all = [none, new, long].map(wanted);
    let loaded = store.load_from_snapshots(&all).await.unwrap();
    let mut log = store.lock().await.unwrap();
    let under_lock = log.load_from_snapshots(&all).await.unwrap();
    for loaded in [loaded, under_lock] {
        let parts: Vec<_> = loaded.into_iter().map(parts).collect();
        assert_eq!(parts, [(None, vec![]), (None, vec![1]), (Some(snapshot(4)), vec![5])]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_another_schema_is_ignored() {
    let (_database, store) = fresh().await;
    let stream = five(&store).await;
    save(&store, stream, &snapshot(3)).await;
    let other = SnapshotKey { schema: Uuid::from_u128(2), ..wanted(stream) };
    let loaded = store.load_from_snapshots(&[other]).await.unwrap().pop().unwrap();
    assert_eq!(parts(loaded), everything());
    // An unreadable snapshot does not prevent a readable one from being stored.
    store.save_snapshot("thing", other, &snapshot(2)).await.unwrap();
    let loaded = store.load_from_snapshots(&[other]).await.unwrap().pop().unwrap();
    assert_eq!(parts(loaded), (Some(snapshot(2)), vec![3, 4, 5]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_what_the_log_does_not_have_is_ignored() {
    let (_database, store) = fresh().await;
    let stream = five(&store).await;
    opened(&store, id()).await;
    let elsewhere = |version, position| Snapshot { position, ..snapshot(version) };
    // One is ahead of the stream, one is at an event of another stream, one at another event of
    // this stream.
    for lost in [elsewhere(9, 9), elsewhere(6, 6), elsewhere(4, 3)] {
        save(&store, stream, &lost).await;
        assert_eq!(load(&store, stream).await, everything(), "{lost:?}");
        save(&store, stream, &snapshot(1)).await;
        assert_eq!(load(&store, stream).await.0, Some(snapshot(1)), "{lost:?} was used");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_never_goes_backwards() {
    let (_database, store) = fresh().await;
    let stream = five(&store).await;
    save(&store, stream, &snapshot(4)).await;
    save(&store, stream, &snapshot(2)).await;
    assert_eq!(load(&store, stream).await.0, Some(snapshot(4)));
}
