//! Leases: which node does a piece of work, and up to which position the work is done (its
//! checkpoint).
//!
//! Only the database's clock counts. A node that was frozen for longer than its lease cannot write:
//! its epoch, the fencing token, is no longer the lease's, so its transaction with
//! [`advance_checkpoint`] fails and is rolled back. [`crate::leader`] does all of this for work
//! that one node does at a time.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

/// The right of one owner to do a piece of work, until it expires or is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The work's name, unique in the database.
    pub name: String,
    /// The fencing token: grows whenever the lease gets a new owner, and whenever it had expired.
    pub epoch: i64,
    /// The position of the last event whose work is done, when the lease was acquired.
    pub checkpoint: i64,
}

/// Why a statement about a lease failed.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another node has the lease now, or moved its checkpoint.  Roll back and stop working.
    #[error("the lease '{name}' is lost: another node leads")]
    Lost {
        /// The lease's name.
        name: String,
    },
    /// Postgres did not answer within [`crate::time_limits::LEASE_QUERY`].
    #[error("Postgres did not answer a statement about the lease '{name}' in time")]
    TimedOut {
        /// The lease's name.
        name: String,
    },
    /// Postgres could not be reached, or it refused the statement.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Acquires the lease if it is free, expired, or already this owner's; `None` if another owner has
/// it. `owner` names a running process: a process that starts again is another owner.
///
/// # Errors
/// [`LeaseError::Database`] if Postgres failed; whether the lease was acquired is then unknown.
pub async fn acquire(
    pool: &PgPool,
    name: &str,
    owner: &str,
    ttl: Duration,
) -> Result<Option<Lease>, LeaseError> {
    let acquired: Option<(i64, i64)> = sqlx::query_as(
        "insert into leases as held (name, owner, expires_at)
         values ($1, $2, clock_timestamp() + make_interval(secs => $3))
         on conflict (name) do update set
             epoch = held.epoch + case
                 when held.owner = excluded.owner and held.expires_at > clock_timestamp() then 0
                 else 1
             end,
             owner = excluded.owner,
             expires_at = excluded.expires_at
         where held.owner = excluded.owner or held.expires_at <= clock_timestamp()
         returning epoch, position",
    )
    .bind(name)
    .bind(owner)
    .bind(ttl.as_secs_f64())
    .fetch_optional(pool)
    .await?;
    Ok(acquired.map(|(epoch, checkpoint)| Lease { name: name.to_owned(), epoch, checkpoint }))
}

/// Keeps the lease for another `ttl`, counted from now.
///
/// # Errors
/// [`LeaseError::Lost`] if another owner has it, [`LeaseError::Database`] if Postgres failed.
pub async fn renew(pool: &PgPool, lease: &Lease, ttl: Duration) -> Result<(), LeaseError> {
    let renewed = sqlx::query(
        "update leases set expires_at = clock_timestamp() + make_interval(secs => $3)
         where name = $1 and epoch = $2",
    )
    .bind(&lease.name)
    .bind(lease.epoch)
    .bind(ttl.as_secs_f64())
    .execute(pool)
    .await?;
    lease.check_kept(renewed.rows_affected())
}

/// Releases the lease, so that the next owner need not wait for it to expire.
///
/// # Errors
/// [`LeaseError::Lost`] if another owner has it, [`LeaseError::Database`] if Postgres failed.
pub async fn release(pool: &PgPool, lease: &Lease) -> Result<(), LeaseError> {
    let released =
        sqlx::query("update leases set expires_at = '-infinity' where name = $1 and epoch = $2")
            .bind(&lease.name)
            .bind(lease.epoch)
            .execute(pool)
            .await?;
    lease.check_kept(released.rows_affected())
}

/// Releases any lease of this name that the owner has. For an owner that does not know whether it
/// has one, because the answer to [`acquire`] was lost.
///
/// # Errors
/// [`LeaseError::Database`] if Postgres failed.
pub async fn release_of_owner(pool: &PgPool, name: &str, owner: &str) -> Result<(), LeaseError> {
    sqlx::query("update leases set expires_at = '-infinity' where name = $1 and owner = $2")
        .bind(name)
        .bind(owner)
        .execute(pool)
        .await?;
    Ok(())
}

/// Moves the checkpoint, in the transaction that also writes the result of the work.
///
/// # Errors
/// [`LeaseError::Lost`] if another owner has the lease, or the checkpoint is not `from`; roll back
/// then. [`LeaseError::Database`] if Postgres failed.
pub async fn advance_checkpoint(
    connection: &mut PgConnection,
    lease: &Lease,
    from: i64,
    to: i64,
) -> Result<(), LeaseError> {
    let moved = sqlx::query("select advance_lease($1, $2, $3, $4)")
        .bind(&lease.name)
        .bind(lease.epoch)
        .bind(from)
        .bind(to)
        .execute(connection)
        .await;
    match moved {
        Ok(_) => Ok(()),
        Err(error) if is_lost(&error) => Err(lease.lost()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a statement failed because its `advance_lease` found that the lease is lost.
pub fn is_lost(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(|error| error.code());
    state.as_deref() == Some("CL001")
}

impl Lease {
    /// The lease is lost if no row has its epoch.
    fn check_kept(&self, rows: u64) -> Result<(), LeaseError> {
        if rows == 0 { Err(self.lost()) } else { Ok(()) }
    }

    fn lost(&self) -> LeaseError {
        LeaseError::Lost { name: self.name.clone() }
    }
}
