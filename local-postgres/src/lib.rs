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
//! | `postgres/` | the home; a symlink where the server's account cannot enter the data directory |
//! | `postgres/data/` | the cluster itself; the only directory the server writes to |
//! | `postgres/postgresql.conf`, `pg_hba.conf` | written anew at every start |
//! | `postgres/password` | the generated password, for its owner only |
//! | `postgres/server.log`, `server.log.old` | this run's log and the one before |
//! | `postgres/socket/` | the unix socket, or under `/tmp` where that path is too long for one |
//! | `postgres/users` | locked, shared, by every process that uses the cluster |
//!
//! The last process out stops the server. Locks vanish with their process, so a process killed with
//! `kill -9` leaves at worst a running server, which the next start adopts.

mod account;
mod binaries;
mod cluster;
mod error;
mod home;
mod lock;
mod postmaster;
mod settings;
pub mod testing;

pub use cluster::Cluster;
pub use error::Error;
