//! Helpers: stores, appends, and waits with a time limit.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use event_store::{
    Append, AppendOutcome, CommandRecord, EventStore, ExpectedHead, MIGRATIONS, NewEvent,
    PendingAppend, RecordedEvent, StoreOptions,
};
use local_postgres::testing::{TestDatabase, database};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

/// Longer than any step of a test takes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

pub(crate) async fn fresh() -> (TestDatabase, EventStore) {
    let database = database(&MIGRATIONS).await;
    let store = node(&database).await;
    (database, store)
}

/// Another node on the same database.
pub(crate) async fn node(database: &TestDatabase) -> EventStore {
    node_with(database, options()).await
}

pub(crate) async fn node_with(database: &TestDatabase, options: StoreOptions) -> EventStore {
    EventStore::connect(database.url(), options).await.unwrap()
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions { max_connections: 4, ..StoreOptions::default() }
}

pub(crate) fn id() -> Uuid {
    Uuid::now_v7()
}

pub(crate) fn event(stream_id: Uuid, version: i32) -> NewEvent {
    NewEvent {
        stream_type: "thing",
        stream_id,
        version,
        event_type: "thing.happened",
        schema_version: 1,
        payload: format!(r#"{{"thing.happened":{{"version":{version}}}}}"#),
    }
}

pub(crate) fn item(
    expected_heads: impl IntoIterator<Item = (Uuid, ExpectedHead)>,
    events: impl IntoIterator<Item = NewEvent>,
) -> Append {
    let id = id();
    Append {
        command: CommandRecord {
            id,
            request_hash: Some([7; 32]),
            metadata: r#"{"name":"do"}"#.to_owned(),
            correlation_id: id,
            caused_by: None,
            actor: "system:test".to_owned(),
        },
        expected_heads: expected_heads.into_iter().collect(),
        events: events.into_iter().collect(),
    }
}

/// An append of one event to one stream.
pub(crate) fn write(stream: Uuid, head: ExpectedHead, version: i32) -> Append {
    item([(stream, head)], [event(stream, version)])
}

/// An append of the first event of a new stream.
pub(crate) fn open(stream: Uuid) -> Append {
    write(stream, ExpectedHead::Durable(0), 1)
}

pub(crate) fn check(expected_heads: impl IntoIterator<Item = (Uuid, ExpectedHead)>) -> Append {
    item(expected_heads, [])
}

pub(crate) async fn send(store: &EventStore, append: Append) -> PendingAppend {
    store.reserve().await.unwrap().send(append)
}

pub(crate) async fn outcome(pending: &PendingAppend) -> AppendOutcome {
    within(pending.outcome()).await.unwrap()
}

pub(crate) async fn append(store: &EventStore, append: Append) -> AppendOutcome {
    within(store.append(append)).await.unwrap()
}

/// The positions of an appended command.
#[track_caller]
pub(crate) fn positions(outcome: &AppendOutcome) -> (i64, i64) {
    match outcome {
        AppendOutcome::Appended { first, last, .. } => (*first, *last),
        other => panic!("not appended: {other:?}"),
    }
}

pub(crate) async fn opened(store: &EventStore, stream: Uuid) -> i64 {
    positions(&append(store, open(stream)).await).1
}

pub(crate) async fn all(store: &EventStore) -> Vec<Arc<RecordedEvent>> {
    let mut events: Vec<Arc<RecordedEvent>> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.position);
        let more = within(store.read(after, 500)).await.unwrap();
        if more.is_empty() {
            return events;
        }
        events.extend(more);
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(BOUND, future).await;
    done.expect("it ended within the time limit")
}

/// Asks again and again until the answer is true.
pub(crate) async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    within(async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Holds the log's lock on a separate connection, so that all appends sent meanwhile enter one
/// batch.
pub(crate) struct LogLock(PgConnection);

impl LogLock {
    /// Takes the log's lock and sends `first`, which waits for it. Appends that are sent after it
    /// enter the next batch.
    pub(crate) async fn hold(
        database: &TestDatabase,
        store: &EventStore,
        first: Append,
    ) -> (LogLock, PendingAppend) {
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        sqlx::raw_sql("begin; select lock_log()").execute(&mut connection).await.unwrap();
        let pending = send(store, first).await;
        until(|| is_any_statement_waiting(database.pool())).await;
        (LogLock(connection), pending)
    }

    pub(crate) async fn release(mut self) {
        sqlx::raw_sql("rollback").execute(&mut self.0).await.unwrap();
    }
}

pub(crate) async fn is_any_statement_waiting(pool: &PgPool) -> bool {
    let sql = "select exists (select from pg_locks l join pg_database d on d.oid = l.database
               where d.datname = current_database() and locktype = 'advisory' and not granted)";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

pub(crate) async fn count(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(pool).await.unwrap()
}
