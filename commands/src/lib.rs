//! Everything that changes the shop: the command bus, and the workers and adapters that use it.
//!
//! Read `bus/mod.rs` first. `aggregate` has the command that one aggregate decides alone; `cart`,
//! `checkout`, `notification` and `payment` have those that read or write several streams. Each is
//! a struct with its input and a `decide` that collects the states and calls the domain. Reactions
//! send commands because of events, deadlines because of time. `payments` calls the payment
//! provider and `inbox` receives its webhooks; `mail` sends e-mails, and `relay` publishes events
//! to a broker.

mod aggregate;
mod breaker;
mod bus;
pub mod cart;
pub mod checkout;
mod deadlines;
mod error;
mod http_client;
pub mod inbox;
pub mod mail;
pub mod metrics;
pub mod notification;
mod numbers;
pub mod payment;
pub mod payments;
mod reactions;
pub mod relay;
pub mod trace;
mod vault;

pub use aggregate::{AggregateCommand, ForAggregate};
pub use bus::{Bus, Changes, Command, Context, Halt, Receipt, RequestHash, States, Subject};
pub use deadlines::run as run_deadlines;
pub use error::CommandError;
pub use http_client::{HttpClient, HttpError};
pub use numbers::OrderNumbers;
pub use payment::PaymentPolicy;
pub use reactions::{ReactionStatus, Reactions, run as run_reactions, status as reaction_status};
pub use trace::Trace;
pub use vault::{Vault, VaultError};
