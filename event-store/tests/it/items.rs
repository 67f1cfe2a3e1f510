//! Each item of a batch is written completely or not at all, and does not affect the others.

use event_store::{AppendOutcome, ExpectedHead, StoreError};

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_conflicting_item_does_not_fail_its_neighbours() {
    let (database, store) = fresh().await;
    let stream = id();
    opened(&store, stream).await;
    let (log_lock, first) = LogLock::hold(&database, &store, open(id())).await;
    let before = send(&store, open(id())).await;
    let stale = send(&store, open(stream)).await;
    let after = send(&store, open(id())).await;
    log_lock.release().await;
    assert_eq!(positions(&outcome(&first).await), (2, 2));
    assert_eq!(positions(&outcome(&before).await), (3, 3));
    assert_eq!(outcome(&stale).await, AppendOutcome::Conflict { stream_id: stream });
    assert_eq!(positions(&outcome(&after).await), (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_cannot_be_stored_is_rejected_and_no_other() {
    let (database, store) = fresh().await;
    let (log_lock, first) = LogLock::hold(&database, &store, open(id())).await;
    let mut good = vec![first];
    let mut bad = Vec::new();
    for n in 0..20 {
        let stream = id();
        let mut append = open(stream);
        if n % 5 == 3 {
            append.events[0].payload = "no json".to_owned();
            bad.push(send(&store, append).await);
            bad.push(send(&store, open(stream)).await);
            good.push(bad.pop().unwrap());
        } else {
            good.push(send(&store, append).await);
        }
    }
    log_lock.release().await;
    for pending in &good {
        positions(&outcome(pending).await);
    }
    for pending in &bad {
        let error = within(pending.outcome()).await.unwrap_err();
        assert!(matches!(error, StoreError::Rejected(_)), "{error}");
    }
    assert_eq!(all(&store).await.len(), good.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_decided_on_a_rejected_one_conflicts() {
    let (_database, store) = fresh().await;
    let stream = id();
    let mut bad = open(stream);
    bad.events[0].payload = "no json".to_owned();
    let bad = send(&store, bad).await;
    let next = send(&store, write(stream, ExpectedHead::Pending(bad.clone()), 2)).await;
    assert!(within(bad.outcome()).await.is_err());
    assert_eq!(outcome(&next).await, AppendOutcome::Conflict { stream_id: stream });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_to_several_streams_is_written_completely_or_not_at_all() {
    let (database, store) = fresh().await;
    let (left, right) = (id(), id());
    let pair = |right_base| {
        item(
            [(left, ExpectedHead::Durable(0)), (right, ExpectedHead::Durable(right_base))],
            [event(left, 1), event(right, 2), event(left, 2)],
        )
    };
    let head = opened(&store, right).await;
    let refused = append(&store, pair(0)).await;
    assert_eq!(refused, AppendOutcome::Conflict { stream_id: right });
    assert_eq!(count(database.pool()).await, 1);
    assert_eq!(positions(&append(&store, pair(head)).await), (2, 4));
    assert_eq!(store.load(left, 0).await.unwrap().len(), 2);
    assert_eq!(store.load(right, 0).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_only_read_must_not_have_moved() {
    let (_database, store) = fresh().await;
    let (price, order) = (id(), id());
    let read = opened(&store, price).await;
    let order_at = |position| {
        item(
            [(price, ExpectedHead::Durable(position)), (order, ExpectedHead::Durable(0))],
            [event(order, 1)],
        )
    };
    let stale = order_at(read);
    let moved = positions(&append(&store, write(price, ExpectedHead::Durable(read), 2)).await).0;
    assert_eq!(append(&store, stale).await, AppendOutcome::Conflict { stream_id: price });
    positions(&append(&store, order_at(moved)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_be_read_and_then_written_in_one_batch() {
    let (database, store) = fresh().await;
    let (price, order) = (id(), id());
    let read = opened(&store, price).await;
    let (log_lock, _first) = LogLock::hold(&database, &store, open(id())).await;
    let reading = item(
        [(price, ExpectedHead::Durable(read)), (order, ExpectedHead::Durable(0))],
        [event(order, 1)],
    );
    let reading = send(&store, reading).await;
    let writing = send(&store, write(price, ExpectedHead::Durable(read), 2)).await;
    let late = send(&store, write(price, ExpectedHead::Durable(read), 2)).await;
    log_lock.release().await;
    positions(&outcome(&reading).await);
    positions(&outcome(&writing).await);
    assert_eq!(outcome(&late).await, AppendOutcome::Conflict { stream_id: price });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_must_state_the_expected_head_of_each_stream() {
    let (_database, store) = fresh().await;
    let unnamed = item([], [event(id(), 1)]);
    let error = store.append(unnamed).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_does_not_follow_is_rejected_by_the_table() {
    let (_database, store) = fresh().await;
    let stream = id();
    let head = opened(&store, stream).await;
    let error = store.append(write(stream, ExpectedHead::Durable(head), 1)).await.unwrap_err();
    assert!(error.to_string().contains("events_stream_version"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_is_written_even_if_its_caller_is_gone() {
    let (_database, store) = fresh().await;
    drop(send(&store, open(id())).await);
    store.shutdown().await;
    assert!(matches!(store.reserve().await, Err(StoreError::Closed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_writes_what_is_queued() {
    let (database, store) = fresh().await;
    let mut sent = Vec::new();
    for _ in 0..200 {
        sent.push(send(&store, open(id())).await);
    }
    within(store.shutdown()).await;
    assert_eq!(count(database.pool()).await, 200);
    for pending in &sent {
        positions(&outcome(pending).await);
    }
}
