//! A connection of the pool that goes back only in good order.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, PgPool, Postgres};

/// Closed, not returned to the pool, unless its work came to an end: whatever a cancelled or
/// failed future left half done ends with the connection.
pub(crate) struct Connection {
    connection: PoolConnection<Postgres>,
    finished: bool,
}

impl Connection {
    pub(crate) async fn take(pool: &PgPool) -> Result<Connection, sqlx::Error> {
        Ok(Connection { connection: pool.acquire().await?, finished: false })
    }

    /// Runs statements that have no parameters and no answer.
    pub(crate) async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.connection.execute(sqlx::raw_sql(sql)).await?;
        Ok(())
    }

    /// Back to the pool.
    pub(crate) fn finish(mut self) {
        self.finished = true;
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.finished {
            self.connection.close_on_drop();
        }
    }
}
