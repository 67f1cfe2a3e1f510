//! This program serves what earlier releases have stored; see `tests/releases/README.md`.

mod answers;
mod keys;
mod leases;
mod migrations;
mod restore;
mod served;
