//! How the reactions are doing.

use sqlx::PgPool;

use super::runner::NAME;

/// On all nodes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct ReactionStatus {
    /// Everything up to here is done.
    pub position: i64,
    /// What could not be done: somebody has to look.
    pub parked: i64,
}

pub async fn status(pool: &PgPool) -> Result<ReactionStatus, sqlx::Error> {
    sqlx::query_as(
        "select coalesce((select position from leases where name = $1), 0) as position,
                (select count(*) from parked_reactions) as parked",
    )
    .bind(NAME)
    .fetch_one(pool)
    .await
}
