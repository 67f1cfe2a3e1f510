//! `append`: 1,024 writers, one event each with base and command id, through the event store's API,
//! beside `limit_append`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::{Append, Base, Command, EventStore, NewEvent, Options, Outcome};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::limit_append::{self, LimitAppend};
use crate::check::Log;
use crate::error::{BenchError, check};
use crate::report::Line;
use crate::sample::{Sample, latencies};
use crate::stage::Stage;

const WRITERS: usize = 1_024;

/// One stream, and what its next event is based on.
struct Writer {
    stream: Uuid,
    version: i32,
    position: i64,
}

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    stage.message("preparing append");
    let (url, pool) = stage.database("append").await?;
    let store = EventStore::connect(&url, Options::default()).await?;
    let log = Log::new(pool);
    let mut limit = LimitAppend::prepare(stage).await?;
    let mut writers: Vec<Writer> =
        (0..WRITERS).map(|_| Writer { stream: Uuid::now_v7(), version: 0, position: 0 }).collect();
    let pairs = stage
        .interleave(
            "append",
            async |time| limit.run(time).await,
            async |time| {
                let (sample, acks) = write(&store, &mut writers, time).await?;
                log.holds(&acks).await?;
                Ok(sample)
            },
        )
        .await?;
    let head = log.head().await?;
    let written: i64 = writers.iter().map(|writer| i64::from(writer.version)).sum();
    check(head == written, || format!("{written} events were written, and the log has {head}"))?;
    store.shutdown().await;
    log.pool.close().await;
    limit.close().await;
    let batches =
        format!("one connection, batches of {}; latency is a batch's", limit_append::BATCH);
    let limit = ("limit_append".to_owned(), batches);
    let row = ("append".to_owned(), format!("{WRITERS} writers"));
    Ok(Line::of_pairs(limit, row, "events/s", &pairs))
}

/// Every writer appends, and appends again once it is answered.
async fn write(
    store: &EventStore,
    writers: &mut Vec<Writer>,
    time: Duration,
) -> Result<(Sample, Vec<(Uuid, i64)>), BenchError> {
    let mut tasks = JoinSet::new();
    let actor: Arc<str> = format!("customer:{}", Uuid::nil()).into();
    let began = Instant::now();
    let until = began + time;
    for mut writer in writers.drain(..) {
        let (store, actor) = (store.clone(), actor.clone());
        tasks.spawn(async move {
            let mut latency = latencies();
            let mut acks = vec![];
            loop {
                let sent = Instant::now();
                if sent >= until {
                    return Ok::<_, BenchError>((writer, acks, latency));
                }
                acks.push(writer.append(&store, &actor).await?);
                latency.record(sent.elapsed().as_micros() as u64)?;
            }
        });
    }
    let (mut all_acks, mut all_latency) = (vec![], latencies());
    while let Some(ended) = tasks.join_next().await {
        let (writer, mut acks, latency) = ended??;
        writers.push(writer);
        all_acks.append(&mut acks);
        all_latency += latency;
    }
    let sample = Sample::new(all_acks.len() as u64, began.elapsed(), all_latency);
    Ok((sample, all_acks))
}

impl Writer {
    async fn append(&mut self, store: &EventStore, actor: &str) -> Result<(Uuid, i64), BenchError> {
        let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        let item = Append {
            command: Command {
                id,
                request_hash: Some([7; 32]),
                metadata: limit_append::METADATA.to_owned(),
                correlation_id: id,
                caused_by: None,
                actor: actor.to_owned(),
            },
            bases: vec![(self.stream, Base::Durable(self.position))],
            events: vec![NewEvent {
                stream_type: "cart",
                stream_id: self.stream,
                version: self.version + 1,
                event_type: limit_append::EVENT_TYPE,
                schema_version: 1,
                payload: limit_append::PAYLOAD.to_owned(),
            }],
        };
        match store.append(item).await? {
            Outcome::Appended { last, .. } => {
                self.version += 1;
                self.position = last;
                Ok((id, last))
            }
            outcome => Err(BenchError::Incorrect(format!("{outcome:?} without a rival"))),
        }
    }
}
