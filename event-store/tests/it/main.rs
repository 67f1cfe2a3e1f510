//! Tests of the log against a real Postgres.

mod support;

mod chains;
mod checks;
mod contiguity;
mod copying;
mod cqrs_program;
mod duplicates;
mod heads;
mod items;
mod leader;
mod leases;
mod locked;
mod model;
mod outages;
mod plans;
mod proxy;
mod reading;
mod snapshots;
mod upcasting;
mod waking;
