//! Positions are contiguous, and a reader that remembers one never skips an event.

use std::sync::Arc;

use event_store::{AppendOutcome, EventStore};
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::support::*;

const WRITERS: i64 = 32;
const EVENTS_EACH: i64 = 60;

async fn writer(store: EventStore) {
    for _ in 0..EVENTS_EACH {
        let stream = id();
        positions(&append(&store, open(stream)).await);
    }
}

/// Follows the log to `end` as a projector would; every read fails on a hole.
async fn reader(store: EventStore, end: i64) -> Vec<i64> {
    let mut seen = Vec::new();
    while seen.last().copied().unwrap_or(0) < end {
        let after = seen.last().copied().unwrap_or(0);
        store.wait_for_event_after(after, BOUND / 20).await;
        let events = store.read(after, 100).await.unwrap();
        seen.extend(events.iter().map(|event| event.position));
    }
    seen
}

async fn writers_and_readers(nodes: &[EventStore]) {
    let end = WRITERS * EVENTS_EACH;
    let mut writers = JoinSet::new();
    let mut readers = JoinSet::new();
    for n in 0..WRITERS as usize {
        writers.spawn(writer(nodes[n % nodes.len()].clone()));
    }
    for n in 0..4 {
        readers.spawn(reader(nodes[n % nodes.len()].clone(), end));
    }
    within(writers.join_all()).await;
    for seen in within(readers.join_all()).await {
        assert!(seen.iter().copied().eq(1..=end), "a reader skipped an event");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_writers_leave_no_gap_and_readers_never_skip() {
    let (_database, store) = fresh().await;
    writers_and_readers(&[store]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_leave_no_gap_and_readers_never_skip() {
    let (database, store) = fresh().await;
    writers_and_readers(&[store, node(&database).await]).await;
}

/// The control: the same reader of a table that is numbered by a sequence.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_lock_a_reader_skips_a_position() {
    let (database, _store) = fresh().await;
    let pool = database.pool();
    sqlx::raw_sql("create table plain (position bigserial primary key)")
        .execute(pool)
        .await
        .unwrap();
    let insert = "insert into plain default values returning position";
    let mut slow = pool.begin().await.unwrap();
    let early: i64 = sqlx::query_scalar(insert).fetch_one(&mut *slow).await.unwrap();
    let late: i64 = sqlx::query_scalar(insert).fetch_one(pool).await.unwrap();
    let read = plain(pool, 0).await;
    slow.commit().await.unwrap();
    assert_eq!((early, late, read), (1, 2, vec![2]));
    assert_eq!(plain(pool, 2).await, [0; 0], "the reader never gets position 1");
}

async fn plain(pool: &PgPool, after: i64) -> Vec<i64> {
    let sql = "select position from plain where position > $1 order by position";
    sqlx::query_scalar(sql).bind(after).fetch_all(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_at_never_decreases_along_the_log() {
    let (database, store) = fresh().await;
    opened(&store, id()).await;
    // The last event was recorded by a clock that was ahead.
    let ahead = "set session_replication_role = replica;
                 update events set recorded_at = recorded_at + interval '1 hour'";
    let mut connection = database.pool().acquire().await.unwrap();
    sqlx::raw_sql(ahead).execute(&mut *connection).await.unwrap();
    drop(connection);
    let mut sent = Vec::new();
    for _ in 0..100 {
        let stream = id();
        let pair = item(
            [(stream, event_store::ExpectedHead::Durable(0))],
            [event(stream, 1), event(stream, 2)],
        );
        sent.push(send(&store, pair).await);
    }
    for pending in &sent {
        positions(&outcome(pending).await);
    }
    let fresh_node = node(&database).await;
    let events = all(&fresh_node).await;
    assert_eq!(events.len(), 201);
    assert!(events.windows(2).all(|pair| pair[0].recorded_at < pair[1].recorded_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_agrees_with_the_log() {
    let (_database, store) = fresh().await;
    let stream = id();
    let pair = item(
        [(stream, event_store::ExpectedHead::Durable(0))],
        [event(stream, 1), event(stream, 2)],
    );
    opened(&store, id()).await;
    let AppendOutcome::Appended { first, last, recorded_at } = append(&store, pair).await else {
        panic!("it should be appended");
    };
    let stored: Vec<Arc<_>> =
        store.load(stream, 0).await.unwrap().into_iter().map(Arc::new).collect();
    assert_eq!((first, last), (2, 3));
    assert_eq!((stored[0].position, stored[1].position), (2, 3));
    assert_eq!(stored[0].recorded_at, recorded_at);
    assert_eq!((stored[1].recorded_at - recorded_at).num_microseconds(), Some(1));
}
