//! `append`: 1,024 writers append one event at a time, with base and command id, through the event
//! store's API; compared with `limit_append`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::{
    Append, AppendOutcome, CommandRecord, EventStore, ExpectedHead, NewEvent, StoreOptions,
};
use hdrhistogram::Histogram;
use sqlx::PgPool;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::limit_append::{self, LimitAppend};
use crate::check::CheckedLog;
use crate::error::{BenchError, check};
use crate::report::ReportLine;
use crate::sample::{Sample, latencies};
use crate::shared_servers::SharedServers;

pub const WRITERS: usize = 1_024;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    shared.message("preparing append");
    let (url, pool) = shared.database("append").await?;
    let mut writers = Writers::begin(&url, pool, WRITERS).await?;
    let mut limit = LimitAppend::prepare(shared).await?;
    let pairs = shared
        .interleave(
            "append",
            async |time| limit.run(time).await,
            async |time| writers.run(time).await,
        )
        .await?;
    writers.end().await?;
    limit.close().await;
    let batches =
        format!("one connection, batches of {}; latency is a batch's", limit_append::BATCH);
    let limit = ("limit_append".to_owned(), batches);
    let row = ("append".to_owned(), format!("{WRITERS} writers"));
    Ok(ReportLine::of_pairs(limit, row, "events/s", &pairs))
}

/// Writers that append events without any domain, each to its own stream.
#[derive(Debug)]
pub struct Writers {
    pub store: EventStore,
    log: CheckedLog,
    /// The head of the log before the first append.
    began_at: i64,
    writers: Vec<Writer>,
}

/// One stream, and the base of its next event.
#[derive(Debug)]
struct Writer {
    stream: Uuid,
    version: i32,
    position: i64,
}

impl Writers {
    pub async fn begin(url: &str, pool: PgPool, writers: usize) -> Result<Writers, BenchError> {
        let store = EventStore::connect(url, StoreOptions::default()).await?;
        let began_at = store.head().await?;
        let writer = |_| Writer { stream: Uuid::now_v7(), version: 0, position: 0 };
        let writers = (0..writers).map(writer).collect();
        Ok(Writers { store, log: CheckedLog::after(pool, began_at), began_at, writers })
    }

    /// Lets every writer append, and append again once it is answered.
    pub async fn run(&mut self, time: Duration) -> Result<Sample, BenchError> {
        let mut tasks = JoinSet::new();
        let actor: Arc<str> = format!("customer:{}", Uuid::nil()).into();
        let began = Instant::now();
        for writer in self.writers.drain(..) {
            tasks.spawn(writer.write(self.store.clone(), actor.clone(), began + time));
        }
        let (mut all_acks, mut all_latency) = (vec![], latencies());
        while let Some(ended) = tasks.join_next().await {
            let (writer, mut acks, latency) = ended??;
            self.writers.push(writer);
            all_acks.append(&mut acks);
            all_latency += latency;
        }
        let sample = Sample::new(all_acks.len() as u64, began.elapsed(), &all_latency);
        self.log.check_acks(&all_acks).await?;
        Ok(sample)
    }

    /// Checks that the log has grown by the number of acknowledged events, and closes it.
    pub async fn end(self) -> Result<(), BenchError> {
        let grown = self.log.head().await? - self.began_at;
        let written: i64 = self.writers.iter().map(|writer| i64::from(writer.version)).sum();
        check(grown == written, || format!("{written} events were written, the log has {grown}"))?;
        self.store.shutdown().await;
        self.log.pool.close().await;
        Ok(())
    }
}

/// A writer, its acknowledged command ids and positions, and its latencies.
type WriterResult = (Writer, Vec<(Uuid, i64)>, Histogram<u64>);

impl Writer {
    async fn write(
        mut self,
        store: EventStore,
        actor: Arc<str>,
        until: Instant,
    ) -> Result<WriterResult, BenchError> {
        let mut latency = latencies();
        let mut acks = vec![];
        loop {
            let sent = Instant::now();
            if sent >= until {
                return Ok((self, acks, latency));
            }
            acks.push(self.append(&store, &actor).await?);
            latency.record(sent.elapsed().as_micros() as u64)?;
        }
    }

    async fn append(&mut self, store: &EventStore, actor: &str) -> Result<(Uuid, i64), BenchError> {
        let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        let item = Append {
            command: CommandRecord {
                id,
                request_hash: Some([7; 32]),
                metadata: limit_append::METADATA.to_owned(),
                correlation_id: id,
                caused_by: None,
                actor: actor.to_owned(),
            },
            expected_heads: vec![(self.stream, ExpectedHead::Durable(self.position))],
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
            AppendOutcome::Appended { last, .. } => {
                self.version += 1;
                self.position = last;
                Ok((id, last))
            }
            outcome => {
                Err(BenchError::Incorrect(format!("{outcome:?}, though nothing else writes")))
            }
        }
    }
}
