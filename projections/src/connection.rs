//! The connection on which a projection writes.

use std::ops::{Deref, DerefMut};

use sqlx::{Connection as _, Executor, PgConnection, PgPool};

/// It is not from the pool, so queries and projections do not wait for each other; and what a
/// cancelled or failed future has begun is rolled back when it closes.
pub(crate) struct ProjectorConnection(PgConnection);

impl ProjectorConnection {
    /// Opens a connection with the settings of the pool. A commit does not wait for the disk: what
    /// a crash of Postgres loses is still in the log, and is projected again.
    pub(crate) async fn open(pool: &PgPool) -> Result<ProjectorConnection, sqlx::Error> {
        let options = (*pool.connect_options()).clone().options([("synchronous_commit", "off")]);
        Ok(ProjectorConnection(PgConnection::connect_with(&options).await?))
    }

    /// Runs statements that have no parameters and return no rows.
    pub(crate) async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.0.execute(sqlx::raw_sql(sql)).await?;
        Ok(())
    }
}

impl Deref for ProjectorConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for ProjectorConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
