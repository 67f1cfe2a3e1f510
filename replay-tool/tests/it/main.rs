//! The binary itself, against real Postgres.

mod documents;
mod history;
mod places;
mod rebuild;
mod status;
mod support;
mod verify;
