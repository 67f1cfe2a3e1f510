//! What must be true of a log, however hard it was written to.

use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::PgPool;
use uuid::Uuid;

use crate::error::{BenchError, check};

/// Acknowledgements looked up with one statement.
const CHUNK: usize = 20_000;

/// A log under load, and how far it has been looked through.
#[derive(Debug)]
pub struct Log {
    pub pool: PgPool,
    checked: AtomicI64,
}

impl Log {
    pub fn new(pool: PgPool) -> Log {
        Log::after(pool, 0)
    }

    /// A log whose events up to this position are taken for granted.
    pub fn after(pool: PgPool, position: i64) -> Log {
        Log { pool, checked: AtomicI64::new(position) }
    }

    /// The position of the last event.
    pub async fn head(&self) -> Result<i64, BenchError> {
        let head = sqlx::query_scalar("select coalesce(max(position), 0) from events");
        Ok(head.fetch_one(&self.pool).await?)
    }

    /// Positions are contiguous from 1, and what was acknowledged is where it was said to be: each
    /// command's last event at its position, and its first at most one before.
    pub async fn holds(&self, acks: &[(Uuid, i64)]) -> Result<(), BenchError> {
        let from = self.checked.load(Ordering::Relaxed);
        let (count, last): (i64, i64) = sqlx::query_as(
            "select count(*), coalesce(max(position), $1) from events where position > $1",
        )
        .bind(from)
        .fetch_one(&self.pool)
        .await?;
        check(count == last - from, || {
            format!("{count} events from position {from} to {last}: there is a hole")
        })?;
        for chunk in acks.chunks(CHUNK) {
            let missing = self.missing(chunk).await?;
            check(missing == 0, || format!("{missing} acknowledged commands are not in the log"))?;
        }
        self.checked.store(last, Ordering::Relaxed);
        Ok(())
    }

    async fn missing(&self, acks: &[(Uuid, i64)]) -> Result<i64, BenchError> {
        let (commands, positions): (Vec<Uuid>, Vec<i64>) = acks.iter().copied().unzip();
        let missing = sqlx::query_scalar(
            "select count(*) from unnest($1::uuid[], $2::bigint[]) as ack (id, position)
             where not exists (
                 select from events e
                 where e.command_id = ack.id and e.position between ack.position - 1 and ack.position
             )",
        );
        Ok(missing.bind(commands).bind(positions).fetch_one(&self.pool).await?)
    }
}
