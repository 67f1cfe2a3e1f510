//! What earlier releases stored is served by this one; see `tests/releases/README.md`.

mod answers;
mod keys;
mod leases;
mod migrations;
mod restore;
mod served;
