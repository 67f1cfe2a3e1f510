//! The progress of the reactions.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};

use super::runner::LEASE;

/// The progress of the reactions of all nodes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReactionStatus {
    /// The position of the log up to which everything is done.
    pub position: i64,
    /// How many reactions could not be carried out. A person has to look at them.
    pub parked: i64,
}

impl<'r> FromRow<'r, PgRow> for ReactionStatus {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(ReactionStatus { position: row.try_get("position")?, parked: row.try_get("parked")? })
    }
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
