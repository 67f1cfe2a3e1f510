//! Appends that were decided on appends that are not durable yet.

use event_store::{AppendOutcome, ExpectedHead};

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_on_one_stream_enters_one_batch() {
    let (database, store) = fresh().await;
    let stream = id();
    let (log_lock, _first) = LogLock::hold(&database, &store, open(id())).await;
    let mut chain = vec![send(&store, open(stream)).await];
    for version in 2..=100 {
        let head = ExpectedHead::Pending(chain[chain.len() - 1].clone());
        chain.push(send(&store, write(stream, head, version)).await);
    }
    log_lock.release().await;
    for (n, pending) in (2..).zip(&chain) {
        assert_eq!(positions(&outcome(pending).await), (n, n));
    }
    let times = "select count(distinct xmin::text) from events where stream_id = $1";
    let batches: i64 =
        sqlx::query_scalar(times).bind(stream).fetch_one(database.pool()).await.unwrap();
    assert_eq!(batches, 1);
}

/// Node A decides two appends, the second on the first. Node B's event gets the position of the
/// first one, so the second has the right version on the wrong head.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_is_refused_with_the_one_it_was_decided_on() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    let stream = id();
    let (log_lock, _plug) = LogLock::hold(&database, &a, open(id())).await;
    let theirs = send(&b, open(stream)).await;
    let first = send(&a, open(stream)).await;
    let second = send(&a, write(stream, ExpectedHead::Pending(first.clone()), 2)).await;
    let third = send(&a, write(stream, ExpectedHead::Pending(second.clone()), 3)).await;
    log_lock.release().await;
    let conflict = AppendOutcome::Conflict { stream_id: stream };
    // Whichever node wrote first, both appends of A succeed or both fail.
    if outcome(&first).await == conflict {
        positions(&outcome(&theirs).await);
        assert_eq!(outcome(&second).await, conflict);
        assert_eq!(outcome(&third).await, conflict);
    } else {
        assert_eq!(outcome(&theirs).await, conflict);
        positions(&outcome(&third).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_version_on_the_wrong_base_is_refused() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    let stream = id();
    let theirs = opened(&b, stream).await;
    let (log_lock, _plug) = LogLock::hold(&database, &a, open(id())).await;
    let first = send(&a, open(stream)).await;
    let second = send(&a, write(stream, ExpectedHead::Pending(first.clone()), 2)).await;
    log_lock.release().await;
    let conflict = AppendOutcome::Conflict { stream_id: stream };
    assert_eq!(outcome(&first).await, conflict);
    assert_eq!(outcome(&second).await, conflict);
    // The control: the version was free, so only the wrong head can be the reason for the refusal.
    positions(&append(&a, write(stream, ExpectedHead::Durable(theirs), 2)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_sent_after_the_refusal_of_its_base_is_refused_too() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    let stream = id();
    opened(&b, stream).await;
    let first = send(&a, open(stream)).await;
    let conflict = AppendOutcome::Conflict { stream_id: stream };
    assert_eq!(outcome(&first).await, conflict);
    let second = append(&a, write(stream, ExpectedHead::Pending(first), 2)).await;
    assert_eq!(second, conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_nodes_event_between_two_appends_makes_the_second_conflict() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    let stream = id();
    let first = send(&a, open(stream)).await;
    let (_, last) = positions(&outcome(&first).await);
    positions(&append(&b, write(stream, ExpectedHead::Durable(last), 2)).await);
    // It is refused even if its version is free again.
    let second = append(&a, write(stream, ExpectedHead::Pending(first), 3)).await;
    assert_eq!(second, AppendOutcome::Conflict { stream_id: stream });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_append_refuses_those_decided_on_it_on_other_streams() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    let (left, right, far) = (id(), id(), id());
    opened(&b, left).await;
    let (log_lock, _plug) = LogLock::hold(&database, &a, open(id())).await;
    let first = send(&a, open(left)).await;
    let both = item(
        [(left, ExpectedHead::Pending(first.clone())), (right, ExpectedHead::Durable(0))],
        [event(left, 2), event(right, 1)],
    );
    let both = send(&a, both).await;
    let onward = item(
        [(right, ExpectedHead::Pending(both.clone())), (far, ExpectedHead::Durable(0))],
        [event(far, 1)],
    );
    let onward = send(&a, onward).await;
    log_lock.release().await;
    assert_eq!(outcome(&first).await, AppendOutcome::Conflict { stream_id: left });
    assert_eq!(outcome(&both).await, AppendOutcome::Conflict { stream_id: left });
    assert_eq!(outcome(&onward).await, AppendOutcome::Conflict { stream_id: right });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_of_a_chain_is_refused() {
    let (database, store) = fresh().await;
    let stream = id();
    let (log_lock, _plug) = LogLock::hold(&database, &store, open(id())).await;
    let first = send(&store, open(stream)).await;
    let one = send(&store, write(stream, ExpectedHead::Pending(first.clone()), 2)).await;
    let other = send(&store, write(stream, ExpectedHead::Pending(first), 2)).await;
    log_lock.release().await;
    positions(&outcome(&one).await);
    assert_eq!(outcome(&other).await, AppendOutcome::Conflict { stream_id: stream });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_decided_on_a_duplicate_conflicts() {
    let (database, store) = fresh().await;
    let stream = id();
    let original = open(stream);
    append(&store, original.clone()).await;
    let (log_lock, _plug) = LogLock::hold(&database, &store, open(id())).await;
    let again = send(&store, original).await;
    let next = send(&store, write(stream, ExpectedHead::Pending(again.clone()), 2)).await;
    log_lock.release().await;
    assert!(matches!(outcome(&again).await, AppendOutcome::Duplicate { first: 1, last: 1, .. }));
    assert_eq!(outcome(&next).await, AppendOutcome::Conflict { stream_id: stream });
}
