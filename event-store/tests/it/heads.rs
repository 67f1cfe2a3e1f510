//! A node that knows a head need not look it up, and still refuses every outdated append.

use event_store::{AppendOutcome, EventStore, ExpectedHead};
use local_postgres::testing::TestDatabase;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn events_of_another_node_in_between_are_noticed() {
    for under_lock in [false, true] {
        let (database, store) = fresh().await;
        let stream = id();
        opened(&store, stream).await;
        positions(&append(&store, write(stream, ExpectedHead::Durable(1), 2)).await);
        let theirs = write(stream, ExpectedHead::Durable(2), 3);
        if under_lock {
            let mut log = store.lock().await.unwrap();
            log.append(vec![theirs]).await.unwrap();
            log.commit().await.unwrap();
        } else {
            append(&node(&database).await, theirs).await;
        }
        let conflict = AppendOutcome::Conflict { stream_id: stream };
        assert_eq!(append(&store, write(stream, ExpectedHead::Durable(2), 4)).await, conflict);
        assert_eq!(append(&store, check([(stream, ExpectedHead::Durable(2))])).await, conflict);
        positions(&append(&store, write(stream, ExpectedHead::Durable(3), 4)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_another_node_created_is_not_created_again() {
    let (database, store) = fresh().await;
    let stream = id();
    opened(&store, id()).await;
    opened(&node(&database).await, stream).await;
    let conflict = AppendOutcome::Conflict { stream_id: stream };
    assert_eq!(append(&store, open(stream)).await, conflict);
    // This time no other node has written since, so the table's constraint refuses it.
    opened(&store, id()).await;
    assert_eq!(append(&store, open(stream)).await, conflict);
    assert_eq!(append(&store, check([(stream, ExpectedHead::Durable(0))])).await, conflict);
    let other = id();
    let reading = item(
        [(stream, ExpectedHead::Durable(0)), (other, ExpectedHead::Durable(0))],
        [event(other, 1)],
    );
    assert_eq!(append(&store, reading).await, conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_500_appends_the_one_with_a_known_command_id_is_a_duplicate() {
    let (database, store) = fresh().await;
    let known = open(id());
    append(&store, known.clone()).await;
    let (log_lock, plug) = LogLock::hold(&database, &store, open(id())).await;
    let mut sent = Vec::new();
    for n in 0..500 {
        let mut append = open(id());
        if n == 250 {
            append.command = known.command.clone();
        }
        sent.push(send(&store, append).await);
    }
    log_lock.release().await;
    assert_eq!(positions(&outcome(&plug).await), (2, 2));
    let duplicate = sent.remove(250);
    assert!(matches!(
        outcome(&duplicate).await,
        AppendOutcome::Duplicate { first: 1, last: 1, .. }
    ));
    for (position, pending) in (3..).zip(&sent) {
        assert_eq!(positions(&outcome(pending).await), (position, position));
    }
    assert_eq!(all(&store).await.len(), 501);
}

/// How often streams and commands were looked up in the whole life of a database.
async fn look_ups(database: &TestDatabase, stores: Vec<EventStore>) -> i64 {
    for store in stores {
        within(store.shutdown()).await;
    }
    // A backend reports its statistics when it ends.
    let gone = "select not exists (select from pg_stat_activity
                where datname = current_database() and application_name = 'cartulary')";
    until(|| async { sqlx::query_scalar(gone).fetch_one(database.pool()).await.unwrap() }).await;
    let scans = "select sum(idx_scan)::bigint from pg_stat_user_indexes
                 where indexrelname in ('events_stream_version', 'events_command')";
    sqlx::query_scalar(scans).fetch_one(database.pool()).await.unwrap()
}

/// Writes twenty streams of six events each; the stores alternate.
async fn work(stores: &[EventStore]) {
    for _ in 0..20 {
        let stream = id();
        let mut position = 0;
        for (version, store) in (1..=6).zip(stores.iter().cycle()) {
            let head = ExpectedHead::Durable(position);
            position = positions(&append(store, write(stream, head, version)).await).1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_writes_alone_looks_up_no_heads() {
    let (database, store) = fresh().await;
    let stores = vec![store];
    work(&stores).await;
    // Before its first batch a node does not know whether another node has written.
    assert_eq!(look_ups(&database, stores).await, 1);
    // The control: if two nodes write, every head is looked up.
    let (database, store) = fresh().await;
    let stores = vec![store, node(&database).await];
    work(&stores).await;
    assert_eq!(look_ups(&database, stores).await, 120);
}
