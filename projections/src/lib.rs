//! Read models: what queries are answered from.
//!
//! One folder tells one read model's whole story: which rows an event is about, what it does to
//! them, the table they are kept in, and the questions it answers. A fold is pure, so a read model
//! can be dropped and rebuilt from the log, to the byte. Read `projection.rs` (what a projection
//! is), `row.rs` (the row of an aggregate), `orders/` (an example), then `runner.rs` (rows and
//! checkpoint move in one transaction) and `rebuild/`.
//!
//! Nothing here sends a command, and no rule rests on a read model.

mod backoff;
mod connection;
mod feed;
mod fold;
mod lead;
mod model;
mod page;
mod projection;
mod read_models;
mod recorded;
mod row;
mod runner;
mod tuples;

pub mod audit;
pub mod carts;
pub mod coupons;
pub mod deadlines;
pub mod inventory;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod products;
pub mod rebuild;

pub use feed::{Entry, Feed};
pub use model::{ReadModel, UnknownReadModel};
pub use page::{Cursor, Page, QueryError, Slice};
pub use read_models::{ProjectionStatus, ReadModels, Stale};
pub use recorded::{Recorded, Undecodable, decode};
pub use row::Row;
pub use runner::{Projector, ProjectorOptions};
