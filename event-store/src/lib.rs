//! An append-only event log on Postgres: group commit, tail, snapshots, upcasting, leases.
//!
//! One table, `events`, holds every event in commit order. The `position` is contiguous from 1 and
//! becomes visible in order on every node, so a reader that remembers one number can neither skip
//! an event nor read one twice. Writers send their appends to the node's *appender*, which writes
//! all waiting appends with one statement. No caller gets an outcome before the commit.
//!
//! Read `append.rs` (what is written), `batch.rs` (what may be written together), `appender.rs`
//! (the task that writes), then `migrations/0004_append_events.sql` (the checks), and `leader.rs`
//! for work that one node does at a time. This crate knows no domain.

#![deny(missing_docs)]

mod append;
mod appender;
mod batch;
mod copy;
mod database_url;
mod error;
mod heads;
mod lock;
mod migrations;
mod options;
mod outcome;
mod pending;
mod queued;
mod read;
mod recorded;
mod shared;
mod snapshot;
mod statement;
mod store;
mod tail;
mod upcast;
mod wake;

pub mod backoff;
pub mod cqrs;
pub mod leader;
pub mod lease;
pub mod metrics;
pub mod time_limits;

pub use append::{Append, CommandRecord, ExpectedHead, NewEvent};
pub use backoff::Backoff;
pub use copy::Pages;
pub use cqrs_es::persist::EventUpcaster;
pub use database_url::{DatabaseUrlError, check_database_url, try_connect};
pub use error::StoreError;
pub use lock::LockedLog;
pub use migrations::MIGRATIONS;
pub use options::StoreOptions;
pub use outcome::AppendOutcome;
pub use pending::PendingAppend;
pub use queued::Permit;
pub use recorded::RecordedEvent;
pub use snapshot::{LoadedStream, Snapshot, SnapshotKey};
pub use store::EventStore;
