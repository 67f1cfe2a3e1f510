//! A command id takes effect once, on any number of nodes.

use event_store::{Append, AppendOutcome, EventStore, ExpectedHead};
use uuid::Uuid;

use crate::support::*;

fn pair(stream: Uuid) -> Append {
    item([(stream, ExpectedHead::Durable(0))], [event(stream, 1), event(stream, 2)])
}

fn duplicate(first: i64, last: i64) -> AppendOutcome {
    AppendOutcome::Duplicate { first, last, request_hash: Some([7; 32]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_command_is_answered_with_its_first_outcome() {
    let (_database, store) = fresh().await;
    let (original, last) = (pair(id()), pair(id()));
    opened(&store, id()).await;
    append(&store, original.clone()).await;
    append(&store, last.clone()).await;
    assert_eq!(append(&store, original).await, duplicate(2, 3));
    assert_eq!(append(&store, last).await, duplicate(4, 5));
    assert_eq!(store.head().await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_command_is_recognised_before_its_streams_are_looked_at() {
    let (_database, store) = fresh().await;
    let (stream, other) = (id(), id());
    let original = pair(stream);
    append(&store, original.clone()).await;
    append(&store, write(stream, ExpectedHead::Durable(2), 3)).await;
    let mut elsewhere = open(other);
    elsewhere.command = original.command.clone();
    assert_eq!(append(&store, original).await, duplicate(1, 2));
    assert_eq!(append(&store, elsewhere).await, duplicate(1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_twice_into_one_batch_is_appended_once() {
    let (database, store) = fresh().await;
    let (log_lock, _plug) = LogLock::hold(&database, &store, open(id())).await;
    let original = pair(id());
    let one = send(&store, original.clone()).await;
    let two = send(&store, original).await;
    log_lock.release().await;
    assert_eq!(positions(&outcome(&one).await), (2, 3));
    assert_eq!(outcome(&two).await, duplicate(2, 3));
}

async fn send_duplicates_concurrently(nodes: &[EventStore]) {
    for _ in 0..20 {
        let original = pair(id());
        let sent = (0..8).map(|n| {
            let (node, item) = (nodes[n % nodes.len()].clone(), original.clone());
            tokio::spawn(async move { append(&node, item).await })
        });
        let outcomes = within(futures::future::join_all(sent)).await;
        let outcomes: Vec<AppendOutcome> = outcomes.into_iter().map(Result::unwrap).collect();
        let appended =
            outcomes.iter().filter(|o| matches!(o, AppendOutcome::Appended { .. })).count();
        let same = outcomes.iter().filter(|o| matches!(o, AppendOutcome::Duplicate { .. })).count();
        assert_eq!((appended, same), (1, 7), "{outcomes:?}");
    }
    assert_eq!(nodes[0].head().await.unwrap(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_duplicates_have_one_effect() {
    let (_database, store) = fresh().await;
    send_duplicates_concurrently(&[store]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_from_two_nodes_have_one_effect() {
    let (database, store) = fresh().await;
    send_duplicates_concurrently(&[store, node(&database).await]).await;
}

/// The control: events are duplicates only if they have the same command id.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_events_under_two_ids_are_two_effects() {
    let (_database, store) = fresh().await;
    positions(&append(&store, pair(id())).await);
    positions(&append(&store, pair(id())).await);
    assert_eq!(store.head().await.unwrap(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commands_events_are_found_by_its_id() {
    let (_database, store) = fresh().await;
    let original = pair(id());
    append(&store, original.clone()).await;
    opened(&store, id()).await;
    let found = store.load_command(original.command.id).await.unwrap().unwrap();
    let positions: Vec<i64> = found.iter().map(|event| event.position).collect();
    assert_eq!(positions, [1, 2]);
    assert_eq!(found[0].metadata.as_deref(), Some(r#"{"name":"do"}"#));
    assert_eq!((found[1].command_id, &found[1].metadata), (None, &None));
    assert_eq!(store.load_command(id()).await.unwrap(), None);
}
