//! Readers are woken without polling, on every node.

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_local_append_wakes_readers() {
    let (_database, store) = fresh().await;
    let (woken, _) =
        tokio::join!(within(store.wait_for_event_after(0, BOUND * 2)), opened(&store, id()));
    assert_eq!(woken, ());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_nodes_append_wakes_readers() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    for after in 0..5 {
        let (_, position) =
            tokio::join!(within(a.wait_for_event_after(after, BOUND * 2)), opened(&b, id()));
        assert_eq!(position, after + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_whose_connection_was_lost_receives_again() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    opened(&b, id()).await;
    within(a.wait_for_event_after(0, BOUND * 2)).await;
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and application_name = 'cartulary'";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(database.pool()).await.unwrap();
    assert!(ended > 0, "no connection was ended, so the test proves nothing");
    for after in 1..4 {
        opened(&b, id()).await;
        within(a.wait_for_event_after(after, BOUND * 2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_an_event_ends_at_its_time_limit() {
    let (_database, store) = fresh().await;
    within(store.wait_for_event_after(0, BOUND / 1_000)).await;
}
