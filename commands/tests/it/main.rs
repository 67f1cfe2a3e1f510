//! Tests of the command bus with a real Postgres; two buses on one database are two nodes.

mod support;

mod chains;
mod contention;
mod disconnects;
mod keys;
mod look_ups;
mod notifications;
mod overselling;
mod snapshots;
mod stale;
mod vault;
mod versions;
