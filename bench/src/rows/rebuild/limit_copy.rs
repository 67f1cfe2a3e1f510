//! `limit_copy`: one connection copies all events out in Postgres' binary format, and discards
//! them.

use std::time::Instant;

use futures::TryStreamExt;
use sqlx::PgPool;

use crate::error::{BenchError, check};
use crate::sample::Sample;

pub async fn run(pool: &PgPool, events: i64) -> Result<Sample, BenchError> {
    let mut connection = pool.acquire().await?;
    let began = Instant::now();
    let mut bytes = 0;
    let mut copy = connection.copy_out_raw("copy events to stdout (format binary)").await?;
    while let Some(chunk) = copy.try_next().await? {
        bytes += chunk.len() as i64;
    }
    let elapsed = began.elapsed();
    // The least number of bytes of a row, without its payload.
    check(bytes > events * 100, || format!("{events} events were copied as only {bytes} bytes"))?;
    let per_second = events as f64 / elapsed.as_secs_f64();
    Ok(Sample { per_second, p50_ms: None, p99_ms: None })
}
