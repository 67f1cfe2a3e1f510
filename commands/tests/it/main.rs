//! The command bus against a real Postgres; two buses on one database are two nodes.

mod support;

mod chains;
mod crowds;
mod fights;
mod hang_ups;
mod keys;
mod look_ups;
mod notifications;
mod snapshots;
mod stale;
mod vault;
mod versions;
