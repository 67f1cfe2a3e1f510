//! Order numbers: short, readable, and handed out in blocks, so that an order costs no round trip.

use std::ops::Range;
use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Mutex;

/// How far `order_numbers` moves at each call; the sequence's increment.
const BLOCK: i64 = 50;

/// This node's block. Numbers of a block that was not used up are lost: gaps are allowed.
#[derive(Debug, Clone)]
pub struct OrderNumbers {
    pool: PgPool,
    block: Arc<Mutex<Range<i64>>>,
}

impl OrderNumbers {
    pub fn new(pool: PgPool) -> Self {
        OrderNumbers { pool, block: Arc::default() }
    }

    /// Such as `C-10001`; no other order has it or ever will.
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
