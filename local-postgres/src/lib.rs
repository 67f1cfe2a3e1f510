//! A private Postgres cluster, so that a fresh machine and a test need no set-up.
//!
//! ```no_run
//! # async fn example() -> Result<(), local_postgres::Error> {
//! let cluster = local_postgres::Cluster::start("data".as_ref()).await?;
//! println!("the database is ready"); // connect to cluster.url()
//! cluster.stop().await
//! # }
//! ```
//!
//! Everything is found from the data directory:
//!
//! | path | what |
//! |---|---|
//! | `postgres.lock` | held while somebody starts or stops the cluster |
//! | `postgres/` | the home |
//! | `postgres/data/` | the cluster itself; the only directory the server writes to |
//! | `postgres/postgresql.conf`, `pg_hba.conf` | written anew at every start |
//! | `postgres/password` | the generated password, for its owner only |
//! | `postgres/server.log`, `server.log.old` | this run's log and the one before |
//! | `postgres/socket/` | the unix socket, or under `/tmp` where that path is too long for one |
//! | `postgres/servers/` | PostgreSQL itself, where none was installed and one was fetched |
//! | `postgres/users` | locked, shared, by every process that uses the cluster |
//!
//! Root's server runs as an unprivileged account. Where that account may not enter the data directory, it inherits the
//! open home from us (`reach.rs`), and a fetched server is kept in `/var/lib/cartulary/servers`.
//!
//! The last process out stops the server. Locks vanish with their process, so a process killed with
//! `kill -9` leaves at worst a running server, which the next start adopts.

mod account;
mod binaries;
mod cluster;
mod error;
mod fetch;
mod home;
mod lock;
mod postmaster;
mod reach;
mod settings;
pub mod testing;

pub use cluster::Cluster;
pub use error::Error;
