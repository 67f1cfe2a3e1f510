//! Reading the log by COPY.

use std::sync::Arc;

use event_store::{EventStore, ExpectedHead, RecordedEvent, StoreError};

use crate::support::*;

/// All pages, up to the end or an error.
async fn copied(
    store: &EventStore,
    after: i64,
    to: i64,
) -> (Vec<Arc<RecordedEvent>>, Option<StoreError>) {
    let mut pages = store.copy(after, to);
    let mut events = Vec::new();
    while let Some(page) = within(pages.recv()).await {
        match page {
            Ok(page) => events.extend(page),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

/// Many events with small payloads, inserted by one statement.
const MANY: &str = "
    insert into events (position, stream_type, stream_id, version, event_type, schema_version,
                        payload, correlation_id, actor, recorded_at)
    select n, 'thing', '00000000-0000-0000-0000-000000000001', n, 'thing.happened', 1,
           '{}', '00000000-0000-0000-0000-000000000002', 'system:test', now()
    from generate_series(1, 51000) as n";

#[tokio::test(flavor = "multi_thread")]
async fn copying_and_reading_return_the_same_events() {
    let (database, writer) = fresh().await;
    for n in 0..30 {
        let stream = id();
        let mut append_it =
            item([(stream, ExpectedHead::Durable(0))], [event(stream, 1), event(stream, 2)]);
        append_it.command.caused_by = (n % 2 == 0).then_some(n);
        append_it.command.request_hash = (n % 3 == 0).then_some([n as u8; 32]);
        append_it.events[0].payload = format!("{{ \"é{n}\" : \"\\u00e9\"}}\n ");
        append(&writer, append_it).await;
    }
    let store = node(&database).await;
    let read = all(&store).await;
    let (copy, error) = copied(&store, 0, 60).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(copy, read);
    assert_eq!(copied(&store, 17, 31).await.0, read[17..31]);
    assert_eq!(copied(&store, 40, 1_000).await.0, read[40..], "the log may end before");
    assert_eq!(copied(&store, 60, 60).await.0, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_copied_in_ranges_without_a_gap() {
    let (database, store) = fresh().await;
    sqlx::raw_sql(MANY).execute(database.pool()).await.unwrap();
    let (events, error) = copied(&store, 3, 50_999).await;
    assert!(error.is_none(), "{error:?}");
    assert!(events.iter().map(|event| event.position).eq(4..=50_999));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_ends_the_copy_wherever_it_is() {
    // The last of these is where one statement ends and the next begins.
    for missing in [1_i64, 500, 1_000, 50_000] {
        let (database, store) = fresh().await;
        sqlx::raw_sql(MANY).execute(database.pool()).await.unwrap();
        let mut connection = database.pool().acquire().await.unwrap();
        sqlx::raw_sql("set session_replication_role = replica")
            .execute(&mut *connection)
            .await
            .unwrap();
        sqlx::query("delete from events where position = $1")
            .bind(missing)
            .execute(&mut *connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let (events, error) = copied(&store, 0, 51_000).await;
        assert!(
            matches!(error, Some(StoreError::Hole { after }) if after == missing - 1),
            "{error:?}"
        );
        assert!(events.iter().all(|event| event.position < missing));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_ends_when_its_receiver_is_dropped() {
    let (database, store) = fresh().await;
    sqlx::raw_sql(MANY).execute(database.pool()).await.unwrap();
    let mut pages = store.copy(0, 51_000);
    assert!(within(pages.recv()).await.is_some_and(|page| page.is_ok()));
    drop(pages);
    let copying = "select count(*) from pg_stat_activity
                   where datname = current_database() and query like 'copy%'";
    within(async {
        while sqlx::query_scalar::<_, i64>(copying).fetch_one(database.pool()).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
