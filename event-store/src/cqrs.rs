//! The log as a `cqrs_es::EventStore`, for plain cqrs-es programs.
//!
//! Every load reads the stream from Postgres: nothing is cached, and commands are decided only on
//! durable events.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::{LazyLock, Mutex, PoisonError};

use cqrs_es::{Aggregate, AggregateContext, AggregateError, DomainEvent, EventEnvelope};
use uuid::Uuid;

use crate::upcast::schema_version;
use crate::{
    Append, AppendOutcome, CommandRecord, EventStore, ExpectedHead, NewEvent, RecordedEvent,
    StoreError,
};

type Metadata = HashMap<String, String>;

/// The stream of the aggregate with this key: the UUIDv5 of the key in its type's namespace.
pub fn stream_id(stream_type: &str, key: &str) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, stream_type.as_bytes());
    Uuid::new_v5(&namespace, key.as_bytes())
}

/// Loads and commits aggregates of one type.
pub struct CqrsStore<A> {
    store: EventStore,
    aggregate: PhantomData<fn() -> A>,
}

impl<A> CqrsStore<A> {
    /// A store of the aggregates of type `A` in this log.
    pub fn new(store: EventStore) -> Self {
        CqrsStore { store, aggregate: PhantomData }
    }
}

impl<A> fmt::Debug for CqrsStore<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CqrsStore").field(&self.store).finish()
    }
}

/// A loaded aggregate.
#[derive(Debug)]
pub struct LoadedAggregate<A> {
    aggregate_id: String,
    aggregate: A,
    version: i32,
    /// The position of the stream's last event.
    position: i64,
}

impl<A: Aggregate> AggregateContext<A> for LoadedAggregate<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.aggregate
    }
}

impl<A: Aggregate> cqrs_es::EventStore<A> for CqrsStore<A> {
    type AC = LoadedAggregate<A>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let events = self.store.load(stream_id(A::TYPE, aggregate_id), 0).await;
        envelopes(aggregate_id, &events.map_err(store_failed)?)
    }

    async fn load_aggregate(
        &self,
        id: &str,
    ) -> Result<LoadedAggregate<A>, AggregateError<A::Error>> {
        let events = self.store.load(stream_id(A::TYPE, id), 0).await;
        let events = events.map_err(store_failed)?;
        let mut aggregate = A::default();
        for envelope in envelopes::<A>(id, &events)? {
            aggregate.apply(envelope.payload);
        }
        Ok(LoadedAggregate {
            aggregate_id: id.to_owned(),
            aggregate,
            version: events.last().map_or(0, |event| event.version),
            position: events.last().map_or(0, |event| event.position),
        })
    }

    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: LoadedAggregate<A>,
        metadata: Metadata,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let append = append::<A>(&events, &context, &metadata)?;
        let outcome = self.store.append(append).await.map_err(store_failed)?;
        match outcome {
            AppendOutcome::Appended { .. } => {}
            AppendOutcome::Conflict { .. } => return Err(AggregateError::AggregateConflict),
            other => {
                return Err(unexpected(format!(
                    "a command with a new id got the outcome {other:?}"
                )));
            }
        }
        let first = context.version as usize + 1;
        let committed = (first..).zip(events).map(|(sequence, payload)| EventEnvelope {
            aggregate_id: context.aggregate_id.clone(),
            sequence,
            payload,
            metadata: metadata.clone(),
        });
        Ok(committed.collect())
    }
}

fn append<A: Aggregate>(
    events: &[A::Event],
    context: &LoadedAggregate<A>,
    metadata: &Metadata,
) -> Result<Append, AggregateError<A::Error>> {
    let stream = stream_id(A::TYPE, &context.aggregate_id);
    let id = Uuid::now_v7();
    let versions = context.version + 1..;
    let events: Result<Vec<NewEvent>, _> = versions
        .zip(events)
        .map(|(version, event)| new_event::<A>(stream, version, event))
        .collect();
    let actor = metadata.get("actor").map_or("system:cqrs-es", String::as_str);
    Ok(Append {
        command: CommandRecord {
            id,
            request_hash: None,
            metadata: serde_json::to_string(metadata).map_err(bad_json)?,
            correlation_id: id,
            caused_by: None,
            actor: actor.to_owned(),
        },
        expected_heads: vec![(stream, ExpectedHead::Durable(context.position))],
        events: events?,
    })
}

fn new_event<A: Aggregate>(
    stream_id: Uuid,
    version: i32,
    event: &A::Event,
) -> Result<NewEvent, AggregateError<A::Error>> {
    let schema = event.event_version();
    let schema_version = schema_version(&schema).ok_or_else(|| {
        unexpected(format!("the event version '{schema}' does not start with a number"))
    })?;
    Ok(NewEvent {
        stream_type: A::TYPE,
        stream_id,
        version,
        event_type: intern(event.event_type()),
        schema_version,
        payload: serde_json::to_string(event).map_err(bad_json)?,
    })
}

/// Only the first event of a command carries the metadata; the command's other events share it.
fn envelopes<A: Aggregate>(
    aggregate_id: &str,
    events: &[RecordedEvent],
) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
    let mut metadata = Metadata::new();
    let mut envelopes = Vec::with_capacity(events.len());
    for event in events {
        if let Some(text) = &event.metadata {
            metadata = string_metadata(text);
        }
        envelopes.push(EventEnvelope {
            aggregate_id: aggregate_id.to_owned(),
            sequence: event.version as usize,
            payload: serde_json::from_str(&event.payload).map_err(bad_json)?,
            metadata: metadata.clone(),
        });
    }
    Ok(envelopes)
}

/// cqrs-es allows only strings as metadata; other values are left out.
fn string_metadata(metadata: &str) -> Metadata {
    let fields: HashMap<String, serde_json::Value> =
        serde_json::from_str(metadata).unwrap_or_default();
    let strings = fields.into_iter().filter_map(|(name, value)| match value {
        serde_json::Value::String(text) => Some((name, text)),
        _ => None,
    });
    strings.collect()
}

/// Event types are a small, fixed set of names, so each is leaked once.
fn intern(name: String) -> &'static str {
    static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let name: &'static str = name.leak();
    names.insert(name);
    name
}

fn store_failed<E: std::error::Error>(error: StoreError) -> AggregateError<E> {
    match error {
        StoreError::Database(_) | StoreError::Closed => {
            AggregateError::DatabaseConnectionError(Box::new(error))
        }
        other => AggregateError::UnexpectedError(Box::new(other)),
    }
}

fn bad_json<E: std::error::Error>(error: serde_json::Error) -> AggregateError<E> {
    AggregateError::DeserializationError(Box::new(error))
}

fn unexpected<E: std::error::Error>(reason: String) -> AggregateError<E> {
    AggregateError::UnexpectedError(reason.into())
}
