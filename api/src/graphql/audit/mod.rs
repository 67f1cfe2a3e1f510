//! History: who did what, when and why.

mod event;
mod queries;

pub use self::event::{EventConnection, history};
pub use self::queries::AuditQuery;
