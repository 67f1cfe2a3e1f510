//! Lost connections, lost answers and frozen nodes: no event is lost or written twice, and no
//! append hangs.

use std::collections::HashMap;
use std::time::Duration;

use event_store::{Append, AppendOutcome, EventStore, ExpectedHead, StoreOptions};
use local_postgres::testing::TestDatabase;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::proxy::{Loss, Proxy};
use crate::support::*;

const WRITERS: usize = 16;
const ITEMS_EACH: usize = 40;

/// Appends; every append is acknowledged, however often the connection is lost.
async fn writer(store: EventStore) -> Vec<(Uuid, (i64, i64))> {
    let mut acknowledged = Vec::new();
    for _ in 0..ITEMS_EACH {
        let item = open(id());
        let command = item.command.id;
        acknowledged.push((command, positions(&append(&store, item).await)));
    }
    acknowledged
}

async fn terminate(database: &TestDatabase) -> i64 {
    let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and query like '%append_events%'
                 and pid <> pg_backend_pid()";
    sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_connections_lose_no_append_and_write_none_twice() {
    let (database, store) = fresh().await;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(writer(store.clone()));
    }
    let mut terminated = 0;
    let mut acknowledged: HashMap<Uuid, (i64, i64)> = HashMap::new();
    while !writers.is_empty() {
        terminated += terminate(&database).await;
        while let Some(done) = writers.try_join_next() {
            acknowledged.extend(done.unwrap());
        }
    }
    assert!(terminated > 0, "no connection was terminated, so the test proves nothing");
    let events = all(&node(&database).await).await;
    assert_eq!(events.len(), WRITERS * ITEMS_EACH);
    for event in events {
        let (first, last) = acknowledged[&event.command_id.unwrap()];
        assert_eq!((first, last), (event.position, event.position));
    }
}

/// A node whose connection to Postgres goes through a proxy.
async fn through_proxy() -> (TestDatabase, Proxy, EventStore) {
    let (database, _store) = fresh().await;
    let proxy = Proxy::to(database.url()).await;
    let store = EventStore::connect(proxy.url(), options()).await.unwrap();
    (database, proxy, store)
}

fn marked(append: &mut Append) {
    append.events[0].payload = format!(r#"{{"thing.happened":"{}"}}"#, Proxy::MARK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_was_lost_is_written_once_and_acknowledged() {
    for loss in [Loss::Answer, Loss::Request] {
        let (database, proxy, store) = through_proxy().await;
        let stream = id();
        let (log_lock, plug) = LogLock::hold(&database, &store, open(id())).await;
        let mut first = open(stream);
        marked(&mut first);
        let first = send(&store, first).await;
        let second = send(&store, write(stream, ExpectedHead::Pending(first.clone()), 2)).await;
        proxy.arm(loss);
        log_lock.release().await;
        positions(&outcome(&plug).await);
        assert_eq!(positions(&outcome(&first).await), (2, 2));
        assert_eq!(positions(&outcome(&second).await), (3, 3));
        assert!(proxy.has_lost(), "no connection was ended, so the test proves nothing");
        assert_eq!(all(&node(&database).await).await, all(&store).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_command_with_the_same_id_is_not_taken_for_a_lost_answer() {
    let (_database, proxy, store) = through_proxy().await;
    let original = open(id());
    append(&store, original.clone()).await;
    let mut other = open(id());
    other.command = original.command;
    marked(&mut other);
    proxy.arm(Loss::Answer);
    assert!(matches!(append(&store, other).await, AppendOutcome::Duplicate { first: 1, .. }));
    assert!(proxy.has_lost(), "no connection was ended, so the test proves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_a_frozen_node_is_released() {
    let (database, store) = fresh().await;
    let quick =
        StoreOptions { idle_in_transaction_timeout: Duration::from_millis(300), ..options() };
    let mut frozen = node_with(&database, quick).await.lock().await.unwrap();
    frozen.append(vec![open(id())]).await.unwrap();
    assert_eq!(positions(&append(&store, open(id())).await), (1, 1));
    assert!(frozen.commit().await.is_err(), "the frozen node lost the lock");
    assert_eq!(all(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_lock_that_is_held_too_long_is_repeated() {
    let (database, _store) = fresh().await;
    let impatient = StoreOptions { lock_timeout: Duration::from_millis(50), ..options() };
    let store = node_with(&database, impatient).await;
    let (log_lock, plug) = LogLock::hold(&database, &store, open(id())).await;
    let second = send(&store, open(id())).await;
    // Two attempts to get the lock have timed out.
    for _ in 0..2 {
        until(|| async { !is_waiting(&database).await }).await;
        until(|| is_waiting(&database)).await;
    }
    log_lock.release().await;
    assert_eq!(positions(&outcome(&plug).await), (1, 1));
    assert_eq!(positions(&outcome(&second).await), (2, 2));
}

async fn is_waiting(database: &TestDatabase) -> bool {
    is_any_statement_waiting(database.pool()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_is_survived() {
    let mut cluster = local_postgres::testing::cluster().await;
    event_store::MIGRATIONS
        .run(&sqlx::PgPool::connect(cluster.url()).await.unwrap())
        .await
        .unwrap();
    let store = EventStore::connect(cluster.url(), options()).await.unwrap();
    opened(&store, id()).await;
    cluster.kill().await;
    let under_way = send(&store, open(id())).await;
    cluster.start().await;
    assert_eq!(positions(&outcome(&under_way).await), (2, 2));
    assert_eq!(all(&store).await.len(), 2);
}
