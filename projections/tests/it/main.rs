//! Tests of the read models with a real Postgres: given events, when they are projected, then these
//! rows exist.

mod support;

mod audit;
mod carts;
mod deadlines;
mod faults;
mod feed;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod poison;
mod products;
mod rebuild;
mod takeover;
mod traffic;
mod waiting;
