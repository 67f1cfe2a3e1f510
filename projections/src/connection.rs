//! A connection of one's own, for work that goes on and on.

use std::ops::{Deref, DerefMut};

use sqlx::{Connection as _, Executor, PgConnection, PgPool};

/// Apart from the pool: queries do not wait for it, nor it for them, and whatever a cancelled or
/// failed future left half done ends with it.
pub(crate) struct Connection(PgConnection);

impl Connection {
    /// Where the pool connects to, and with its settings. A commit does not wait for the disk: what
    /// a crash of Postgres loses is in the log, and is applied again.
    pub(crate) async fn open(pool: &PgPool) -> Result<Connection, sqlx::Error> {
        let options = (*pool.connect_options()).clone().options([("synchronous_commit", "off")]);
        Ok(Connection(PgConnection::connect_with(&options).await?))
    }

    /// Runs statements that have no parameters and no answer.
    pub(crate) async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.0.execute(sqlx::raw_sql(sql)).await?;
        Ok(())
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
