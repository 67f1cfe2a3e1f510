//! The errors that end a benchmark.

use std::fmt::Display;

/// An error that ends the benchmark with exit code 1.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("the private Postgres failed: {0}")]
    Postgres(#[from] local_postgres::Error),
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the migrations failed: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the event store failed: {0}")]
    Store(#[from] event_store::StoreError),
    #[error("a command failed: {0}")]
    Command(#[from] commands::CommandError),
    /// The generated history contains a command that the rules forbid.
    #[error("a generated command was refused: {0}")]
    Refused(#[from] domain::Refusal),
    #[error("a generated value is invalid: {0}")]
    Invalid(#[from] domain::Invalid),
    #[error("JSON could not be read or written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a rebuild failed: {0}")]
    Rebuild(#[from] projections::rebuild::RebuildError),
    #[error("a statement about a lease failed: {0}")]
    Lease(#[from] event_store::lease::LeaseError),
    #[error("a token could not be issued: {0}")]
    Token(#[from] api::auth::IssueError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("a task ended too early: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("a latency could not be recorded: {0}")]
    Latency(#[from] hdrhistogram::RecordError),
    /// A server did not start, or it ended; `reason` includes the last lines of its log.
    #[error("the server '{name}' failed: {reason}")]
    Server { name: &'static str, reason: String },
    /// Another program failed; `output` holds the last lines that it printed.
    #[error("'{name}' failed: {output}")]
    Program { name: String, output: String },
    /// A server answered something else than the benchmark expected.
    #[error("an answer is wrong: {0}")]
    Answer(String),
    /// All answers were right, but the database is not.
    #[error("the database is not correct after the load: {0}")]
    Incorrect(String),
}

impl BenchError {
    pub fn answer(what: impl Display, text: &[u8]) -> BenchError {
        let text = String::from_utf8_lossy(text);
        BenchError::Answer(format!("{what}: {text}"))
    }
}

/// Returns an error with the text `what` if the check failed.
pub fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), BenchError> {
    if holds { Ok(()) } else { Err(BenchError::Incorrect(what())) }
}
