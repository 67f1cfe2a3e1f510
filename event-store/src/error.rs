//! What can go wrong between a caller and the log.

use std::sync::Arc;

use sqlx::postgres::PgDatabaseError;
use uuid::Uuid;

/// Why the log did not do what the caller asked for. Cheap to clone, because one failure may be
/// reported to many callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres could not be reached, or it refused a statement.
    #[error("the database failed: {0}")]
    Database(Arc<sqlx::Error>),
    /// The append itself can never be stored; the other appends of its batch are not affected.
    #[error("the log rejected the append: {0}")]
    Rejected(String),
    /// A position is missing in the log.
    #[error("the log has a hole: no event has position {}, though later events exist", after + 1)]
    Hole {
        /// The last position before the hole.
        after: i64,
    },
    /// A version is missing in a stream.
    #[error("stream {stream_id} has a hole: no event has version {}, though later events exist", after + 1)]
    StreamHole {
        /// The stream with the hole.
        stream_id: Uuid,
        /// The last version before the hole.
        after: i32,
    },
    /// Committed events are missing, for example after a failover to a server that lagged behind.
    #[error(
        "the log ends at position {head}, but position {committed} was committed: events are lost, and this \
         node has stopped; find out which database server it is connected to, then restart it"
    )]
    LogWentBack {
        /// The highest position that this node saw committed.
        committed: i64,
        /// The log's last position now.
        head: i64,
    },
    /// An upcaster returned something that is not an event.
    #[error("the event at position {position} could not be upcast: {reason}")]
    Upcast {
        /// The event's position.
        position: i64,
        /// What is wrong with the upcaster's result.
        reason: String,
    },
    /// The store was shut down, or the transaction in which the append was sent was rolled back.
    #[error("the event store is closed")]
    Closed,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::Database(Arc::new(error))
    }
}

/// The SQLSTATE with which `append_events` reports that the log ends below a committed position.
const LOG_WENT_BACK: &str = "CT001";

/// What the appender does about a statement that failed.
#[derive(Debug)]
pub(crate) enum AppendFailure {
    /// Send the same batch again: it may succeed later, and it may have been committed now.
    Retry(String),
    /// Reject the append: the statement fails every time.
    Reject(String),
    /// Stop this node: the log ends at `head`, below a committed position.
    StopNode { head: i64 },
}

impl AppendFailure {
    pub(crate) fn timed_out() -> AppendFailure {
        AppendFailure::Retry("Postgres did not answer in time".to_owned())
    }
}

impl From<&sqlx::Error> for AppendFailure {
    fn from(error: &sqlx::Error) -> AppendFailure {
        use sqlx::Error::{ColumnDecode, ColumnNotFound, Decode, Encode};
        match error {
            sqlx::Error::Database(database) => from_state(database.code().as_deref(), error),
            Encode(_) | Decode(_) | ColumnDecode { .. } | ColumnNotFound(_) => {
                AppendFailure::Reject(error.to_string())
            }
            _ => AppendFailure::Retry(error.to_string()),
        }
    }
}

fn from_state(state: Option<&str>, error: &sqlx::Error) -> AppendFailure {
    let state = state.unwrap_or_default();
    if state == LOG_WENT_BACK {
        return AppendFailure::StopNode { head: head_in(error) };
    }
    // The SQLSTATE classes are: connection, rollback, resources, operator intervention, system
    // error. The single SQLSTATEs are: a lock timeout, an idle transaction, and a server that is
    // read-only while a failover takes place.
    let is_temporary = ["08", "40", "53", "57", "58"].contains(&state.get(..2).unwrap_or_default())
        || ["55P03", "25P03", "25006"].contains(&state);
    if is_temporary {
        AppendFailure::Retry(error.to_string())
    } else {
        AppendFailure::Reject(error.to_string())
    }
}

/// Reads the log's head from the error's detail, where `append_events` puts it.
fn head_in(error: &sqlx::Error) -> i64 {
    let database = error.as_database_error();
    let detail = database
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .and_then(PgDatabaseError::detail);
    detail.and_then(|head| head.parse().ok()).unwrap_or_default()
}
