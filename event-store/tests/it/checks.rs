//! Appends without events: a refusal or a no-op must have been decided on the current state of its
//! streams.

use event_store::{AppendOutcome, ExpectedHead};

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_check_only_append_on_current_streams_is_confirmed() {
    let (_database, store) = fresh().await;
    let stream = id();
    let position = opened(&store, stream).await;
    let expected_heads =
        [(stream, ExpectedHead::Durable(position)), (id(), ExpectedHead::Durable(0))];
    assert_eq!(append(&store, check(expected_heads)).await, AppendOutcome::Confirmed);
    assert_eq!(store.head().await.unwrap(), 1, "a check-only append writes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_only_append_on_an_outdated_stream_conflicts() {
    let (database, store) = fresh().await;
    let stream = id();
    opened(&node(&database).await, stream).await;
    let stale = check([(stream, ExpectedHead::Durable(0))]);
    assert_eq!(append(&store, stale).await, AppendOutcome::Conflict { stream_id: stream });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_only_append_waits_for_the_append_it_was_decided_on() {
    let (database, store) = fresh().await;
    let stream = id();
    let (log_lock, _plug) = LogLock::hold(&database, &store, open(id())).await;
    let written = send(&store, open(stream)).await;
    let checked = send(&store, check([(stream, ExpectedHead::Pending(written.clone()))])).await;
    log_lock.release().await;
    assert_eq!(outcome(&checked).await, AppendOutcome::Confirmed);
    positions(&outcome(&written).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_only_append_is_refused_with_the_append_it_was_decided_on() {
    let (database, store) = fresh().await;
    let stream = id();
    opened(&node(&database).await, stream).await;
    let (log_lock, _plug) = LogLock::hold(&database, &store, open(id())).await;
    let written = send(&store, open(stream)).await;
    let checked = send(&store, check([(stream, ExpectedHead::Pending(written))])).await;
    log_lock.release().await;
    assert_eq!(outcome(&checked).await, AppendOutcome::Conflict { stream_id: stream });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_only_append_with_a_known_command_id_is_a_duplicate() {
    let (_database, store) = fresh().await;
    let stream = id();
    let original = open(stream);
    append(&store, original.clone()).await;
    let mut refusal = check([(stream, ExpectedHead::Durable(1))]);
    refusal.command = original.command;
    assert!(matches!(append(&store, refusal).await, AppendOutcome::Duplicate { first: 1, .. }));
}
