//! The errors that end a benchmark.

use std::fmt::Display;

/// An error that ends the benchmark with exit code 1.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("the private Postgres: {0}")]
    Postgres(#[from] local_postgres::Error),
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the migrations: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the event store: {0}")]
    Store(#[from] event_store::StoreError),
    #[error("a command: {0}")]
    Command(#[from] commands::CommandError),
    /// The generated history contains a command that the rules forbid.
    #[error("a refusal: {0}")]
    Refused(#[from] domain::Refusal),
    #[error("a value: {0}")]
    Invalid(#[from] domain::Invalid),
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a rebuild: {0}")]
    Rebuild(#[from] projections::rebuild::RebuildError),
    #[error("a lease: {0}")]
    Lease(#[from] event_store::lease::LeaseError),
    #[error("a token: {0}")]
    Token(#[from] api::auth::IssueError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("a task ended before its time: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("a latency could not be recorded: {0}")]
    Latency(#[from] hdrhistogram::RecordError),
    /// A server did not start, or it ended; `reason` includes the last lines of its log.
    #[error("the server '{name}': {reason}")]
    Server { name: &'static str, reason: String },
    /// Another program failed; `output` holds the last lines that it printed.
    #[error("'{name}' has failed: {output}")]
    Program { name: String, output: String },
    /// A server answered something else than the benchmark expected.
    #[error("a wrong answer: {0}")]
    Answer(String),
    /// All answers were right, but the database is not.
    #[error("incorrect under load: {0}")]
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
