//! The rules of the shop: pure code without I/O, clock and randomness.
//!
//! Each aggregate has a folder: `event.rs` (its events; the storage format), `command.rs` (its
//! commands and errors), `mod.rs` (its state, `decide` and `apply`) and `tests.rs`. Decisions over
//! several streams are in [`checkout`], reactions to events in [`process`]. A value that exists is
//! valid, since its constructor checks it.

mod address;
mod card;
pub mod cart;
pub mod checkout;
pub mod coupon;
mod decide;
mod error_code;
mod event;
#[cfg(test)]
mod fixtures;
mod grouped;
mod id;
mod invalid;
pub mod inventory;
mod money;
pub mod notification;
pub mod order;
pub mod payment;
mod personal;
pub mod pricing;
pub mod process;
pub mod product;
mod quantity;
mod refusal;
mod sku;
mod state;
mod stored_name;
mod text;
mod upcast;

pub use address::{Address, Contact, Email};
pub use decide::Decide;
pub use error_code::ErrorCode;
pub use event::{DecodeError, Event};
pub use id::{
    CartId, CustomerId, Kind, NotificationId, OrderId, PaymentId, ShipmentId, StreamId, SubjectId,
};
pub use invalid::Invalid;
pub use money::{Currency, Money, MoneyError};
pub use personal::Personal;
pub use quantity::Quantity;
pub use refusal::Refusal;
pub use sku::Sku;
pub use state::State;
pub use stored_name::{from_stored_name, stored_name};
pub use text::Text;
pub use upcast::upcasters;

/// A time in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
