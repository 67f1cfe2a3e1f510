//! The log against a real Postgres.

mod support;

mod chains;
mod checks;
mod contiguity;
mod copying;
mod cqrs_program;
mod duplicates;
mod items;
mod leases;
mod locked;
mod outages;
mod plans;
mod proxy;
mod reading;
mod upcasting;
mod waking;
