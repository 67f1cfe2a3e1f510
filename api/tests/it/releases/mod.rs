//! What earlier releases stored is served by this one; see `tests/releases/README.md`.

mod leases;
