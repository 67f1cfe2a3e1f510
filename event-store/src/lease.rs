//! Leases: who works on what, and how far the work has come.
//!
//! Time is the database's.  A worker that was frozen past its lease cannot write, because its epoch is
//! no longer the row's: whatever it did in the transaction of [`advance`] is rolled back.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

/// The right to work, until it expires or is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    /// Grows whenever the lease passes on; kept only while one owner renews in time.
    pub epoch: i64,
    /// The checkpoint when the lease was taken.
    pub position: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else took over.  Roll back.
    #[error("the lease '{name}' is lost")]
    Lost { name: String },
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Takes the lease when it is free, expired or the owner's own.  `owner` names a running process: a
/// process that starts again is somebody else.
pub async fn acquire(
    pool: &PgPool,
    name: &str,
    owner: &str,
    ttl: Duration,
) -> Result<Option<Lease>, LeaseError> {
    let taken: Option<(i64, i64)> = sqlx::query_as(
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
    Ok(taken.map(|(epoch, position)| Lease { name: name.to_owned(), epoch, position }))
}

/// Holds on to the lease for another `ttl`.
///
/// # Errors
/// [`LeaseError::Lost`] when somebody else took over.
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
    lease.kept(renewed.rows_affected())
}

/// Gives the lease back, so that the next owner need not wait for it to expire.
pub async fn release(pool: &PgPool, lease: Lease) -> Result<(), LeaseError> {
    let released =
        sqlx::query("update leases set expires_at = '-infinity' where name = $1 and epoch = $2")
            .bind(&lease.name)
            .bind(lease.epoch)
            .execute(pool)
            .await?;
    lease.kept(released.rows_affected())
}

/// Moves the checkpoint, in the transaction that also writes what the work came to.
///
/// # Errors
/// [`LeaseError::Lost`] when somebody else took over or moved it; the caller rolls back.
pub async fn advance(
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

/// Whether a statement failed because its `advance_lease` did: somebody else took over.
pub fn is_lost(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(|error| error.code());
    state.as_deref() == Some("CL001")
}

impl Lease {
    fn kept(&self, rows: u64) -> Result<(), LeaseError> {
        match rows {
            0 => Err(self.lost()),
            _ => Ok(()),
        }
    }

    fn lost(&self) -> LeaseError {
        LeaseError::Lost { name: self.name.clone() }
    }
}
