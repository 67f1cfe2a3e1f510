//! Reading returns what was written, from memory and from Postgres alike.

use event_store::{EventStore, ExpectedHead, NewEvent, RecordedEvent, StoreError, StoreOptions};
use sqlx::PgPool;

use crate::support::*;

/// Damages the log, with its triggers disabled, for tests of how damage is found.
async fn damage(pool: &PgPool, sql: &'static str) {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql("set session_replication_role = replica")
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn three(store: &EventStore) {
    for _ in 0..3 {
        opened(store, id()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_and_the_database_return_the_same_events() {
    let (database, writer) = fresh().await;
    let reader = node(&database).await;
    for n in 0..50 {
        let stream = id();
        let mut append_it =
            item([(stream, ExpectedHead::Durable(0))], [event(stream, 1), event(stream, 2)]);
        append_it.command.caused_by = (n % 2 == 0).then_some(n);
        append_it.command.request_hash = (n % 3 == 0).then_some([n as u8; 32]);
        append(&writer, append_it).await;
    }
    writer.pool().close().await;
    let tail = writer.read(0, 1_000).await.unwrap();
    let database = reader.read(0, 1_000).await.unwrap();
    assert_eq!((tail.len(), &tail), (100, &database));
    assert_eq!(writer.read(40, 7).await.unwrap(), database[40..47]);
    assert_eq!(reader.events_between(41, 47).await.unwrap(), database[40..47]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_never_hides_another_nodes_events() {
    let (database, a) = fresh().await;
    let b = node(&database).await;
    for n in 0..20 {
        opened(if n % 3 == 0 { &b } else { &a }, id()).await;
    }
    for store in [&a, &b] {
        for after in 0..20 {
            let read = store.read(after, 1).await.unwrap();
            assert_eq!(read[0].position, after + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_before_a_short_tail_come_from_postgres() {
    let (database, _store) = fresh().await;
    let store = node_with(&database, StoreOptions { tail_events: 2, ..options() }).await;
    three(&store).await;
    assert_eq!(all(&store).await.len(), 3);
    store.pool().close().await;
    assert!(store.read(0, 10).await.is_err());
    assert_eq!(store.read(1, 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_stops_the_reader() {
    let (database, writer) = fresh().await;
    three(&writer).await;
    damage(database.pool(), "delete from events where position = 2").await;
    let reader = node(&database).await;
    let hole = |read| matches!(read, Err(StoreError::Hole { after: 1 }));
    assert!(hole(reader.read(0, 10).await));
    assert!(hole(reader.read(1, 10).await));
    assert!(reader.read(0, 1).await.is_ok(), "events before the hole can be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_a_stream_stops_the_reader() {
    let (database, store) = fresh().await;
    let stream = id();
    let events = [event(stream, 1), event(stream, 2), event(stream, 3)];
    append(&store, item([(stream, ExpectedHead::Durable(0))], events)).await;
    assert_eq!(store.load(stream, 1).await.unwrap().len(), 2);
    damage(database.pool(), "delete from events where version = 2").await;
    let error = store.load(stream, 0).await.unwrap_err();
    assert!(matches!(error, StoreError::StreamHole { after: 1, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stops_when_the_log_went_back() {
    let cut = "delete from events where position = 3";
    for way in 0..3 {
        let (database, store) = fresh().await;
        three(&store).await;
        damage(database.pool(), cut).await;
        let error = match way {
            0 => store.head().await.unwrap_err(),
            1 => store.append(open(id())).await.unwrap_err(),
            _ => store.lock().await.unwrap().append(vec![open(id())]).await.unwrap_err(),
        };
        let went_back =
            |e: &StoreError| matches!(e, StoreError::LogWentBack { committed: 3, head: 2 });
        assert!(went_back(&error), "{error}");
        assert!(went_back(&store.append(open(id())).await.unwrap_err()));
        assert!(went_back(&store.read(0, 1).await.unwrap_err()));
        assert_eq!(count(database.pool()).await, 2, "nothing was written to the shortened log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_after_a_position_beyond_the_log_is_an_error() {
    let (_database, store) = fresh().await;
    three(&store).await;
    assert_eq!(store.read(3, 10).await.unwrap(), []);
    let error = store.read(4, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::LogWentBack { committed: 4, head: 3 }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_events_cannot_be_changed_or_deleted() {
    let (database, store) = fresh().await;
    three(&store).await;
    for sql in ["delete from events", "update events set actor = 'nobody'", "truncate events"] {
        let error = sqlx::raw_sql(sql).execute(database.pool()).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_and_metadata_survive_byte_for_byte() {
    let odd = "{ \"b\" : 1.50 ,\t\"a\":1e2, \"a\":\"\\u00e9é\" }\n ";
    let (database, store) = fresh().await;
    let stream = id();
    let mut append_it = item(
        [(stream, ExpectedHead::Durable(0))],
        [NewEvent { payload: odd.to_owned(), ..event(stream, 1) }],
    );
    append_it.command.metadata = odd.to_owned();
    append(&store, append_it).await;
    let stored: Vec<RecordedEvent> = node(&database).await.load(stream, 0).await.unwrap();
    assert_eq!((stored[0].payload.as_str(), stored[0].metadata.as_deref()), (odd, Some(odd)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_are_loaded_in_log_order() {
    let (_database, store) = fresh().await;
    let (left, right) = (id(), id());
    let both = [(left, ExpectedHead::Durable(0)), (right, ExpectedHead::Durable(0))];
    let events = [event(left, 1), event(right, 1), event(left, 2), event(right, 2)];
    append(&store, item(both, events)).await;
    let loaded = store.load_many(&[(right, 1), (left, 0), (id(), 0)]).await.unwrap();
    let positions: Vec<i64> = loaded.iter().map(|event| event.position).collect();
    assert_eq!(positions, [1, 3, 4]);
}
