//! What can go wrong between a caller and the log.

use std::sync::Arc;

use sqlx::postgres::PgDatabaseError;
use uuid::Uuid;

/// Cheap to clone: one failure may be told to many waiters.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres could not be reached or refused a statement.
    #[error("the database failed: {0}")]
    Database(Arc<sqlx::Error>),
    /// The item itself can never be stored; its neighbours were not harmed.
    #[error("the log refused the item: {0}")]
    Rejected(String),
    /// The log goes on after `after`, but not with the next position.
    #[error("the log has a hole after position {after}")]
    Hole { after: i64 },
    /// A stream goes on after `after`, but not with the next version.
    #[error("stream {stream_id} has a hole after version {after}")]
    StreamHole { stream_id: Uuid, after: i32 },
    /// Committed events are gone, as after a failover to a server that lagged behind.
    #[error("the log ends at {head}, but {seen} was committed: this node has stopped")]
    LogWentBack { seen: i64, head: i64 },
    /// An upcaster answered something that is no event.
    #[error("the event at position {position} could not be upcast: {reason}")]
    Upcast { position: i64, reason: String },
    /// The store was shut down, or the transaction that the item was sent in was given up.
    #[error("the event store is closed")]
    Closed,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::Database(Arc::new(error))
    }
}

/// The SQLSTATE by which `append_events` says that the log went back.
const LOG_WENT_BACK: &str = "CT001";

/// What a failed statement means for the appender.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It may work later, and whether it worked now is unknown.
    Passing(String),
    /// It will never work.
    Lasting(String),
    /// The log ends here, below a position that was committed.
    LogWentBack { head: i64 },
}

impl Trouble {
    pub(crate) fn of(error: &sqlx::Error) -> Trouble {
        use sqlx::Error::{ColumnDecode, ColumnNotFound, Decode, Encode};
        match error {
            sqlx::Error::Database(database) => Trouble::of_state(database.code().as_deref(), error),
            Encode(_) | Decode(_) | ColumnDecode { .. } | ColumnNotFound(_) => {
                Trouble::Lasting(error.to_string())
            }
            _ => Trouble::Passing(error.to_string()),
        }
    }

    pub(crate) fn unanswered() -> Trouble {
        Trouble::Passing("no answer in time".to_owned())
    }

    fn of_state(state: Option<&str>, error: &sqlx::Error) -> Trouble {
        let state = state.unwrap_or_default();
        if state == LOG_WENT_BACK {
            return Trouble::LogWentBack { head: head_of(error) };
        }
        // Connection, rollback, resources, operator, system; a lock timeout, an idle transaction,
        // and a server that is read-only for as long as a failover takes.
        let passing = ["08", "40", "53", "57", "58"].contains(&state.get(..2).unwrap_or_default())
            || ["55P03", "25P03", "25006"].contains(&state);
        match passing {
            true => Trouble::Passing(error.to_string()),
            false => Trouble::Lasting(error.to_string()),
        }
    }
}

fn head_of(error: &sqlx::Error) -> i64 {
    let database = error.as_database_error();
    let detail = database
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .and_then(PgDatabaseError::detail);
    detail.and_then(|head| head.parse().ok()).unwrap_or_default()
}
