//! Decisions under the log's lock.

use event_store::{AppendOutcome, ExpectedHead, StoreOptions};

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_under_the_lock_cannot_conflict() {
    let (database, store) = fresh().await;
    let other = node(&database).await;
    let stream = id();
    opened(&other, stream).await;
    let mut log = within(store.lock()).await.unwrap();
    let rival = send(&other, write(stream, ExpectedHead::Durable(1), 2)).await;
    let events = log.load_many(&[(stream, 0)]).await.unwrap();
    let head = events.last().unwrap();
    let mine = write(stream, ExpectedHead::Durable(head.position), head.version + 1);
    let outcomes = log.append(vec![mine]).await.unwrap();
    log.commit().await.unwrap();
    assert_eq!(positions(&outcomes[0]), (2, 2));
    assert_eq!(outcome(&rival).await, AppendOutcome::Conflict { stream_id: stream });
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_under_the_lock_have_the_order_of_the_appends() {
    let (_database, store) = fresh().await;
    let (stream, known) = (id(), open(id()));
    append(&store, known.clone()).await;
    let mut log = store.lock().await.unwrap();
    let items = vec![
        open(stream),
        open(stream),
        known,
        check([(id(), ExpectedHead::Durable(0))]),
        open(id()),
    ];
    let outcomes = log.append(items).await.unwrap();
    assert_eq!(positions(&outcomes[0]), (2, 2));
    assert_eq!(outcomes[1], AppendOutcome::Conflict { stream_id: stream });
    assert!(matches!(outcomes[2], AppendOutcome::Duplicate { first: 1, last: 1, .. }));
    assert_eq!(outcomes[3], AppendOutcome::Confirmed);
    // A second append depends on what the transaction has written.
    let next = log.append(vec![write(stream, ExpectedHead::Durable(2), 2)]).await.unwrap();
    assert_eq!(positions(&next[0]).0, positions(&outcomes[4]).1 + 1);
    log.commit().await.unwrap();
    assert_eq!(all(&store).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_lock_rolls_back() {
    let (_database, store) = fresh().await;
    let mut log = store.lock().await.unwrap();
    log.append(vec![open(id())]).await.unwrap();
    drop(log);
    assert_eq!(positions(&append(&store, open(id())).await), (1, 1));
    assert_eq!(all(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_caller_has_gone_is_released() {
    let (_database, store) = fresh().await;
    let held = store.lock().await.unwrap();
    for _ in 0..3 {
        let mut asking = Box::pin(store.lock());
        assert!(futures::poll!(asking.as_mut()).is_pending());
        tokio::task::yield_now().await;
        let _ = futures::poll!(asking.as_mut());
    }
    drop(held);
    positions(&append(&store, open(id())).await);
    drop(within(store.lock()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_lock_an_append_decided_on_a_pending_one_conflicts() {
    let (_database, store) = fresh().await;
    let stream = id();
    let mut log = store.lock().await.unwrap();
    let under_way = send(&store, open(stream)).await;
    let next = write(stream, ExpectedHead::Pending(under_way.clone()), 2);
    let outcomes = within(log.append(vec![next])).await.unwrap();
    assert_eq!(outcomes, [AppendOutcome::Conflict { stream_id: stream }]);
    drop(log);
    positions(&outcome(&under_way).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_statement_nothing_can_be_committed() {
    let (_database, store) = fresh().await;
    let mut bad = open(id());
    bad.events[0].payload = "no json".to_owned();
    let mut log = store.lock().await.unwrap();
    log.append(vec![open(id())]).await.unwrap();
    assert!(log.append(vec![bad]).await.is_err());
    assert!(log.commit().await.is_err());
    assert_eq!(store.head().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_committed_under_the_lock_wake_readers_and_are_in_the_tail() {
    let (_database, store) = fresh().await;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.wait_for_event_after(0, BOUND * 2).await }
    });
    let mut log = store.lock().await.unwrap();
    log.append(vec![open(id())]).await.unwrap();
    log.commit().await.unwrap();
    within(waiting).await.unwrap();
    // Without a pool only the tail can answer.
    store.pool().close().await;
    assert_eq!(store.read(0, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_may_be_sent_under_the_lock() {
    let (database, _store) = fresh().await;
    let small = StoreOptions { batch_events: 2, ..options() };
    let store = node_with(&database, small).await;
    let stream = id();
    let mut log = store.lock().await.unwrap();
    let mut chain = vec![log.send(open(stream))];
    for version in 2..=7 {
        let head = ExpectedHead::Pending(chain[chain.len() - 1].clone());
        chain.push(log.send(write(stream, head, version)));
        if version == 4 {
            log.write().await.unwrap();
        }
    }
    log.write().await.unwrap();
    log.commit().await.unwrap();
    for (n, pending) in (1..).zip(&chain) {
        assert_eq!(positions(&outcome(pending).await), (n, n));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_lock_a_refused_append_refuses_its_chain() {
    let (database, _store) = fresh().await;
    let small = StoreOptions { batch_events: 1, ..options() };
    let store = node_with(&database, small).await;
    let stream = id();
    opened(&store, stream).await;
    let mut log = store.lock().await.unwrap();
    let first = log.send(open(stream));
    let second = log.send(write(stream, ExpectedHead::Pending(first.clone()), 2));
    log.write().await.unwrap();
    log.commit().await.unwrap();
    let conflict = AppendOutcome::Conflict { stream_id: stream };
    assert_eq!((outcome(&first).await, outcome(&second).await), (conflict.clone(), conflict));
}

/// Another event may get the same position, on the same stream, that a rolled back event had.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_decided_on_a_rolled_back_one_conflicts() {
    let (_database, store) = fresh().await;
    let stream = id();
    let mut log = store.lock().await.unwrap();
    let given_up = log.send(open(stream));
    log.write().await.unwrap();
    let next = send(&store, write(stream, ExpectedHead::Pending(given_up.clone()), 2)).await;
    let instead = send(&store, open(stream)).await;
    drop(log);
    assert!(within(given_up.outcome()).await.is_err());
    assert_eq!(outcome(&next).await, AppendOutcome::Conflict { stream_id: stream });
    assert_eq!(positions(&outcome(&instead).await), (1, 1));
    let late = append(&store, write(stream, ExpectedHead::Pending(given_up), 2)).await;
    assert_eq!(late, AppendOutcome::Conflict { stream_id: stream });
}
