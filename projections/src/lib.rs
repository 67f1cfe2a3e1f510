//! The read models, from which queries are answered.
//!
//! Each folder holds one read model: which row an event changes, how it changes it, the table with
//! its columns, and the queries. A fold is pure, so a rebuild from the log gives the same rows, to
//! the byte. Read `projection.rs` (what a projection is), `table.rs` (the one list of a table's
//! columns), `row.rs` (the row of an aggregate), `orders/` (an example), then `runner.rs` (rows and
//! checkpoint move in one transaction) and `rebuild/`.
//!
//! This crate sends no commands, and no rule depends on a read model.

mod connection;
mod decoded;
mod feed;
mod fold;
mod lead;
mod model;
mod page;
mod projection;
mod read_models;
mod row;
mod runner;
mod table;
mod tuples;
mod worker;

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

pub use decoded::{DecodedEvent, Undecodable, decode};
pub use feed::{Feed, LogEntry};
pub use model::{ReadModel, UnknownReadModel};
pub use page::{Cursor, Page, QueryError, Slice};
pub use read_models::{ProjectionStatus, ReadModels, Stale};
pub use row::Row;
pub use runner::Projector;
pub use worker::ProjectorOptions;
