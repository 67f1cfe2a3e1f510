//! The errors of commands.

use domain::Refusal;
use event_store::StoreError;

use crate::vault::VaultError;

/// Why a command has no receipt.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// A rule refuses the command. Nothing was written.
    #[error(transparent)]
    Refused(Refusal),
    /// The caller expected another version of the object. Nothing was written.
    #[error("the object has version {actual}, but the request expected version {expected}")]
    VersionConflict { expected: i32, actual: i32 },
    /// The idempotency key belongs to another request. Nothing was written for this one.
    #[error("this idempotency key was used for another request; use a new key for a new request")]
    KeyReused,
    /// It is unknown whether the command was executed. Send it again with the same key.
    #[error("the command took too long; send it again with the same idempotency key")]
    TimedOut,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("stream {stream} cannot be read or written: {reason}")]
    Corrupt { stream: domain::StreamId, reason: String },
    #[error("an event in the log cannot be read: {0}")]
    Undecodable(String),
    /// The command's task ended without an answer. It is unknown whether the command was executed.
    #[error("the command was interrupted; send it again with the same idempotency key")]
    Interrupted,
}

impl From<projections::Undecodable> for CommandError {
    fn from(error: projections::Undecodable) -> Self {
        CommandError::Undecodable(error.to_string())
    }
}

impl From<sqlx::Error> for CommandError {
    fn from(error: sqlx::Error) -> Self {
        CommandError::Store(error.into())
    }
}
