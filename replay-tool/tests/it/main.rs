//! Tests of the binary with a real Postgres.

mod documents;
mod history;
mod mistakes;
mod places;
mod rebuild;
mod status;
mod support;
mod terminal;
mod verify;
