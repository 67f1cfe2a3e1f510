//! `limit_append`: one connection inserts batches of 500 by `unnest` into the same table with the
//! same indexes; each batch is durable before the next begins.

use std::time::{Duration, Instant};

use chrono::Utc;
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::BenchError;
use crate::sample::{Sample, latencies};
use crate::shared_servers::SharedServers;

pub const BATCH: usize = 500;
pub const EVENT_TYPE: &str = "cart.line_quantity_changed";
pub const METADATA: &str = r#"{"command":"cartLinesAdd","trace_id":null}"#;
pub const PAYLOAD: &str = r#"{"cart.line_quantity_changed":{"sku":"BENCH-01","quantity":7,"at":"2026-01-01T00:00:00.000000Z"}}"#;

const STREAMS: usize = 1_024;

const INSERT: &str = "insert into events (
        position, stream_type, stream_id, version, event_type, schema_version, payload,
        command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at
    )
    select e.position, 'cart', e.stream_id, e.version, $6, 1, e.payload::json,
           e.command_id, $7, $8::json, e.command_id, null, 'customer:' || e.stream_id, $9
    from unnest($1::bigint[], $2::uuid[], $3::int[], $4::text[], $5::uuid[])
        as e (position, stream_id, version, payload, command_id)";

#[derive(Debug)]
pub struct LimitAppend {
    pool: PgPool,
    streams: Vec<(Uuid, i32)>,
    position: i64,
}

impl LimitAppend {
    pub async fn prepare(shared: &SharedServers) -> Result<LimitAppend, BenchError> {
        let (_, pool) = shared.database("limit_append").await?;
        let streams = (0..STREAMS).map(|_| (Uuid::now_v7(), 0)).collect();
        Ok(LimitAppend { pool, streams, position: 0 })
    }

    /// Inserts batches for this long; a latency is that of a batch.
    pub async fn run(&mut self, time: Duration) -> Result<Sample, BenchError> {
        let pool = self.pool.clone();
        let mut connection = pool.acquire().await?;
        let mut latency = latencies();
        let before = self.position;
        let began = Instant::now();
        while began.elapsed() < time {
            let sent = Instant::now();
            self.insert(&mut connection).await?;
            latency.record(sent.elapsed().as_micros() as u64)?;
        }
        Ok(Sample::new((self.position - before) as u64, began.elapsed(), &latency))
    }

    async fn insert(&mut self, connection: &mut sqlx::PgConnection) -> Result<(), BenchError> {
        let (mut positions, mut ids, mut versions, mut commands) = (vec![], vec![], vec![], vec![]);
        for _ in 0..BATCH {
            let (stream, version) = &mut self.streams[self.position as usize % STREAMS];
            *version += 1;
            self.position += 1;
            positions.push(self.position);
            ids.push(*stream);
            versions.push(*version);
            commands.push(uuid::Builder::from_random_bytes(rand::random()).into_uuid());
        }
        sqlx::query(INSERT)
            .bind(positions)
            .bind(ids)
            .bind(versions)
            .bind(vec![PAYLOAD; BATCH])
            .bind(commands)
            .bind(EVENT_TYPE)
            .bind([7_u8; 32].as_slice())
            .bind(METADATA)
            .bind(Utc::now())
            .execute(connection)
            .await?;
        Ok(())
    }

    pub async fn close(self) {
        self.pool.close().await;
    }
}
