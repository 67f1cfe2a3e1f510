//! The event log: events, the history of an object, and why an event happened.

mod event;
mod queries;

pub use self::event::{EventConnection, load_history};
pub use self::queries::AuditQuery;
