//! Everything that changes the shop: the command bus, and whoever sends it commands.
//!
//! Read `bus/mod.rs` first. The files named after aggregates hold the commands themselves, each a
//! struct with what was asked and a `decide` that gathers states and calls the domain. Reactions
//! and deadlines send commands in answer to events and to time; `payments` is the way to the
//! payment provider and `inbox` the way back; `mail` tells people, and `relay` other programs.

mod backoff;
mod breaker;
mod bus;
pub mod cart;
pub mod checkout;
pub mod coupon;
mod deadlines;
mod error;
pub mod inbox;
pub mod inventory;
pub mod mail;
pub mod metrics;
pub mod notification;
mod numbers;
pub mod order;
pub mod payment;
pub mod payments;
pub mod product;
mod reactions;
pub mod relay;
mod tenure;
pub mod trace;
mod vault;

pub use bus::{Bus, Changes, Command, Context, Halt, Receipt, States, Subject};
pub use deadlines::run as run_deadlines;
pub use error::CommandError;
pub use numbers::OrderNumbers;
pub use payment::PaymentPolicy;
pub use reactions::{ReactionStatus, Reactions, run as run_reactions, status as reaction_status};
pub use trace::Trace;
pub use vault::{Vault, VaultError};
