//! The progress of the reactions.

use sqlx::PgPool;

use super::runner::LEASE;

/// The progress of the reactions of all nodes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct ReactionStatus {
    /// The position of the log up to which everything is done.
    pub position: i64,
    /// How many reactions could not be carried out. A person has to look at them.
    pub parked: i64,
}

/// # Errors
/// The database cannot be read.
pub async fn status(pool: &PgPool) -> Result<ReactionStatus, sqlx::Error> {
    sqlx::query_as(
        "select coalesce((select position from leases where name = $1), 0) as position,
                (select count(*) from parked_reactions) as parked",
    )
    .bind(LEASE)
    .fetch_one(pool)
    .await
}
