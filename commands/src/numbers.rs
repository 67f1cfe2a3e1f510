//! Order numbers: short, readable, and reserved in blocks, so that most orders need no round trip.

use std::ops::Range;
use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Mutex;

/// The increment of the sequence `order_numbers`: each call reserves this many numbers.
const BLOCK: i64 = 50;

/// The numbers that this node has reserved. Those that it has not used when it stops are skipped,
/// so there are gaps after a restart.
#[derive(Debug, Clone)]
pub struct OrderNumbers {
    pool: PgPool,
    block: Arc<Mutex<Range<i64>>>,
}

impl OrderNumbers {
    pub fn new(pool: PgPool) -> Self {
        OrderNumbers { pool, block: Arc::default() }
    }

    /// Such as `C-10001`. No other order ever gets the same number.
    ///
    /// # Errors
    /// The next block cannot be reserved in the database.
    pub async fn next(&self) -> Result<String, sqlx::Error> {
        let mut block = self.block.lock().await;
        if block.is_empty() {
            let first: i64 =
                sqlx::query_scalar("select nextval('order_numbers')").fetch_one(&self.pool).await?;
            *block = first..first + BLOCK;
        }
        let number = block.start;
        block.start += 1;
        Ok(format!("C-{number}"))
    }
}
