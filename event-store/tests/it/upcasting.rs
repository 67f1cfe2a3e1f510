//! Old events are upcast by every way of reading them; the log keeps the old bytes.

use std::sync::Arc;

use cqrs_es::persist::{SemanticVersionEventUpcaster, SerializedEvent};
use event_store::{
    Append, EventUpcaster, ExpectedHead, NewEvent, RecordedEvent, StoreError, StoreOptions,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::*;

const V1: &str = include_str!("golden/thing_renamed.v1.json");
const V2: &str = include_str!("golden/thing_renamed.v2.json");

fn renamed(stream: Uuid) -> Append {
    let renamed =
        NewEvent { event_type: "thing.renamed", payload: V1.to_owned(), ..event(stream, 1) };
    item([(stream, ExpectedHead::Durable(0))], [renamed, event(stream, 2)])
}

/// The upcaster to version 2, in which a name is an object with a text.
fn lift(payload: Value) -> Value {
    let name = &payload["thing.renamed"]["name"];
    json!({ "thing.renamed": { "name": { "text": name } } })
}

fn lifting() -> StoreOptions {
    let upcaster = SemanticVersionEventUpcaster::new("thing.renamed", "2", Box::new(lift));
    StoreOptions { upcasters: vec![Box::new(upcaster)], ..options() }
}

fn assert_lifted(events: &[Arc<RecordedEvent>]) {
    let [renamed, other] = events else { panic!("two events were written") };
    assert_eq!((renamed.schema_version, renamed.payload.as_str()), (2, V2.trim_end()));
    assert_eq!((other.schema_version, &other.payload), (1, &event(Uuid::nil(), 2).payload));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_event_is_lifted_however_it_is_read() {
    let (database, _plain) = fresh().await;
    let (writer, reader) =
        (node_with(&database, lifting()).await, node_with(&database, lifting()).await);
    let append_it = renamed(id());
    let (stream, command) = (append_it.expected_heads[0].0, append_it.command.id);
    append(&writer, append_it).await;
    assert_lifted(&writer.read(0, 10).await.unwrap());
    assert_lifted(&reader.read(0, 10).await.unwrap());
    let shared = |events: Vec<RecordedEvent>| events.into_iter().map(Arc::new).collect::<Vec<_>>();
    assert_lifted(&shared(reader.load(stream, 0).await.unwrap()));
    assert_lifted(&shared(reader.load_command(command).await.unwrap().unwrap()));
    assert_lifted(&shared(reader.lock().await.unwrap().load_many(&[(stream, 0)]).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_keeps_the_old_bytes() {
    let (database, plain) = fresh().await;
    append(&node_with(&database, lifting()).await, renamed(id())).await;
    let stored = &plain.read(0, 10).await.unwrap()[0];
    assert_eq!((stored.schema_version, stored.payload.as_str()), (1, V1));
}

struct Nonsense;

impl EventUpcaster for Nonsense {
    fn can_upcast(&self, _: &str, _: &str) -> bool {
        true
    }

    fn upcast(&self, event: SerializedEvent) -> SerializedEvent {
        SerializedEvent { event_version: "latest".to_owned(), ..event }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upcaster_with_invalid_output_stops_readers_and_not_writers() {
    let (database, _plain) = fresh().await;
    let options = StoreOptions { upcasters: vec![Box::new(Nonsense)], ..options() };
    let store = node_with(&database, options).await;
    positions(&append(&store, renamed(id())).await);
    let error = store.read(0, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Upcast { position: 1, .. }), "{error}");
}
