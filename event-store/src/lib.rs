//! An append-only event log on Postgres: group commit, chains, tail, snapshots, upcasting, leases.
//!
//! One table, `events`, holds every fact in commit order; `position` is contiguous from 1 and becomes
//! visible in order on every node, so a reader that remembers one number can neither skip nor repeat.
//! Writers hand their items to the node's *appender*, which writes whatever is waiting with one
//! statement.  Nobody is answered before the commit.
//!
//! Read `append.rs` (what is written), `batch.rs` (what may be written together), `appender.rs` (the
//! task), then `migrations/0004_append_events.sql` (the checks).  This crate knows no domain.

mod append;
mod appender;
mod backoff;
mod batch;
mod copy;
mod database_url;
mod error;
mod heads;
mod lock;
mod options;
mod read;
mod recorded;
mod shared;
mod snapshot;
mod statement;
mod store;
mod tail;
mod ticket;
mod upcast;
mod wake;

pub mod cqrs;
pub mod lease;
pub mod metrics;

pub use append::{Append, Base, Command, NewEvent, Outcome};
pub use copy::Pages;
pub use cqrs_es::persist::EventUpcaster;
pub use database_url::{DatabaseUrlError, check_database_url, try_connect};
pub use error::StoreError;
pub use lock::LockedLog;
pub use options::Options;
pub use recorded::RecordedEvent;
pub use snapshot::{Loaded, Snapshot, Wanted};
pub use store::EventStore;
pub use ticket::{Permit, Ticket};

/// Every migration of the workspace, in order.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");
