//! Helpers: a shop's log and its read models.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use domain::{Currency, Event, Money, Sku, StreamId, Text, Timestamp};
use event_store::{
    Append, AppendOutcome, CommandRecord, EventStore, ExpectedHead, MIGRATIONS, NewEvent,
};
use local_postgres::testing::{TestDatabase, database};
use projections::rebuild::{self, RebuildMode, RebuildReport};
use projections::{Page, Projector, ProjectorOptions, ReadModel, ReadModels, Slice};
use uuid::Uuid;

/// Longer than any step of a test takes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// A log with events in it.
pub(crate) struct Shop {
    pub(crate) database: TestDatabase,
    pub(crate) store: EventStore,
    /// Version and position of every stream's last event.
    heads: Mutex<HashMap<Uuid, (i32, i64)>>,
}

/// Who sends a command, and what caused it.
#[derive(Clone)]
pub(crate) struct By {
    pub(crate) command: Uuid,
    pub(crate) correlation: Uuid,
    pub(crate) caused_by: Option<i64>,
    pub(crate) actor: &'static str,
}

impl By {
    pub(crate) fn actor(actor: &'static str) -> By {
        let command = id();
        By { command, correlation: command, caused_by: None, actor }
    }
}

impl Shop {
    pub(crate) async fn open() -> Shop {
        let database = database(&MIGRATIONS).await;
        let store = node(&database).await;
        Shop { database, store, heads: Mutex::default() }
    }

    /// Appends events of one stream, and returns the position of the last.
    pub(crate) async fn record<E: Into<Event>>(
        &self,
        stream: StreamId,
        events: impl IntoIterator<Item = E>,
    ) -> i64 {
        let events = events.into_iter().map(|event| (stream, event.into())).collect();
        self.record_by(By::actor("staff:test"), events).await
    }

    pub(crate) async fn record_by(&self, by: By, events: Vec<(StreamId, Event)>) -> i64 {
        let events = events.into_iter().map(|(stream, event)| {
            (stream, event.name(), event.schema_version(), event.encode().unwrap())
        });
        self.record_raw(by, events.collect()).await
    }

    /// Appends an event with any payload, which need not be valid.
    pub(crate) async fn record_raw(
        &self,
        by: By,
        events: Vec<(StreamId, &'static str, i16, String)>,
    ) -> i64 {
        let append = self.item(by, events);
        let streams: Vec<(Uuid, i32)> =
            append.events.iter().map(|event| (event.stream_id, event.version)).collect();
        let outcome = within(self.store.append(append)).await.unwrap();
        let AppendOutcome::Appended { first, last, .. } = outcome else {
            panic!("not appended: {outcome:?}")
        };
        let mut heads = self.heads.lock().unwrap();
        for ((stream, version), position) in streams.into_iter().zip(first..) {
            heads.insert(stream, (version, position));
        }
        last
    }

    fn item(&self, by: By, events: Vec<(StreamId, &'static str, i16, String)>) -> Append {
        let heads = self.heads.lock().unwrap();
        let mut expected_heads: Vec<(Uuid, ExpectedHead)> = vec![];
        let mut versions: HashMap<Uuid, i32> = HashMap::new();
        let mut new = vec![];
        for (stream, event_type, schema_version, payload) in events {
            let (version, position) = heads.get(&stream.id).copied().unwrap_or_default();
            if !versions.contains_key(&stream.id) {
                expected_heads.push((stream.id, ExpectedHead::Durable(position)));
            }
            let version = versions.entry(stream.id).or_insert(version);
            *version += 1;
            new.push(NewEvent {
                stream_type: stream.kind.as_str(),
                stream_id: stream.id,
                version: *version,
                event_type,
                schema_version,
                payload,
            });
        }
        let command = CommandRecord {
            id: by.command,
            request_hash: None,
            metadata: "{}".to_owned(),
            correlation_id: by.correlation,
            caused_by: by.caused_by,
            actor: by.actor.to_owned(),
        };
        Append { command, expected_heads, events: new }
    }

    pub(crate) fn project(&self) -> Projector {
        Projector::start(self.store.clone(), options())
    }

    /// Projects all events, shuts the projector down, and returns the read models.
    pub(crate) async fn projected(&self) -> ReadModels {
        let projector = self.project();
        let models = self.caught_up(&projector).await;
        within(projector.shutdown()).await;
        models
    }

    pub(crate) async fn caught_up(&self, projector: &Projector) -> ReadModels {
        let models = projector.read_models().clone();
        let head = self.store.head().await.unwrap();
        models.wait_for(&ReadModel::ALL, head, BOUND).await.unwrap();
        models
    }

    pub(crate) async fn rebuild(&self, model: ReadModel, mode: RebuildMode) -> RebuildReport {
        within(rebuild::rebuild(&self.store, model, mode, |_| ())).await.unwrap()
    }

    /// Rebuilds every read model from one reading of the log.
    pub(crate) async fn rebuild_all(
        &self,
        options: impl Into<rebuild::RebuildOptions>,
    ) -> Vec<RebuildReport> {
        let rebuilt = rebuild::rebuild_all(&self.store, &ReadModel::ALL, options, |_| ());
        within(rebuilt).await.into_iter().map(|(_, report)| report.unwrap()).collect()
    }

    /// Asserts that every read model equals its rebuild, to the byte.
    pub(crate) async fn assert_equal_to_rebuilds(&self) {
        for report in self.rebuild_all(RebuildMode::Verify).await {
            let model = report.model;
            let compared = report.compared.as_ref().expect("there are live rows to compare with");
            assert_eq!(compared.different, 0, "{model}: {:?}", compared.differences);
        }
    }

    pub(crate) async fn sql(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(self.database.pool()).await.unwrap();
    }

    pub(crate) async fn count(&self, select: &'static str) -> i64 {
        sqlx::query_scalar(select).fetch_one(self.database.pool()).await.unwrap()
    }
}

/// Another node on the same database.
pub(crate) async fn node(database: &TestDatabase) -> EventStore {
    node_with(database, event_store::StoreOptions::default()).await
}

pub(crate) async fn node_with(
    database: &TestDatabase,
    options: event_store::StoreOptions,
) -> EventStore {
    let options = event_store::StoreOptions { max_connections: 6, ..options };
    EventStore::connect(database.url(), options).await.unwrap()
}

/// Options with short leases, so that another node can take over quickly.
pub(crate) fn options() -> ProjectorOptions {
    ProjectorOptions {
        lease_ttl: Duration::from_millis(600),
        renew_every: Duration::from_millis(100),
        pace: Duration::from_millis(1),
        ..ProjectorOptions::default()
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.expect("it ended within the time limit")
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

pub(crate) fn id() -> Uuid {
    Uuid::now_v7()
}

/// A time this many seconds after a fixed one.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

pub(crate) fn sku(sku: &str) -> Sku {
    sku.parse().unwrap()
}

pub(crate) fn text(text: &str) -> Text {
    Text::new(text, Text::LONG).unwrap()
}

pub(crate) fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

pub(crate) fn page(first: i64) -> Page {
    Page::new(first, None)
}

pub(crate) fn items<T>(slice: Slice<T>) -> Vec<T> {
    slice.items.into_iter().map(|(_, item)| item).collect()
}

/// All pages of a list, two items each.
pub(crate) async fn walk<T, F>(mut next: impl FnMut(Page) -> F) -> Vec<T>
where
    F: Future<Output = Slice<T>>,
{
    let (mut all, mut after) = (vec![], None);
    loop {
        let slice = next(Page::new(2, after)).await;
        assert!(slice.items.len() <= 2);
        after = slice.items.last().map(|(cursor, _)| cursor.clone());
        all.extend(slice.items.into_iter().map(|(_, item)| item));
        if !slice.has_next {
            return all;
        }
    }
}
