//! A lease has one owner at a time, and an earlier owner cannot use it again.

use std::time::Duration;

use event_store::lease::{self, Lease, LeaseError};
use local_postgres::testing::TestDatabase;
use sqlx::PgPool;

use crate::support::*;

const LONG: Duration = Duration::from_secs(3_600);

async fn pool() -> (TestDatabase, PgPool) {
    let (database, _store) = fresh().await;
    let pool = database.pool().clone();
    (database, pool)
}

async fn acquire(pool: &PgPool, owner: &str, ttl: Duration) -> Option<Lease> {
    lease::acquire(pool, "orders", owner, ttl).await.unwrap()
}

async fn advance(pool: &PgPool, lease: &Lease, from: i64, to: i64) -> Result<(), LeaseError> {
    let mut connection = pool.acquire().await.unwrap();
    lease::advance_checkpoint(&mut connection, lease, from, to).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_owner() {
    let (_database, pool) = pool().await;
    let lease = acquire(&pool, "a", LONG).await.unwrap();
    assert_eq!((lease.epoch, lease.checkpoint), (1, 0));
    assert_eq!(acquire(&pool, "b", LONG).await, None);
    assert_eq!(acquire(&pool, "a", LONG).await, Some(lease.clone()));
    lease::renew(&pool, &lease, LONG).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_lease_passes_on_with_its_position() {
    let (_database, pool) = pool().await;
    let old = acquire(&pool, "a", Duration::ZERO).await.unwrap();
    advance(&pool, &old, 0, 10).await.unwrap();
    let new = acquire(&pool, "b", LONG).await.unwrap();
    assert_eq!((new.epoch, new.checkpoint), (2, 10));
    assert_eq!(acquire(&pool, "a", LONG).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_epoch_can_do_nothing() {
    let (_database, pool) = pool().await;
    let old = acquire(&pool, "a", Duration::ZERO).await.unwrap();
    let new = acquire(&pool, "b", LONG).await.unwrap();
    let lost = |result: Result<(), LeaseError>| matches!(result, Err(LeaseError::Lost { .. }));
    assert!(lost(advance(&pool, &old, 0, 10).await));
    assert!(lost(lease::renew(&pool, &old, LONG).await));
    assert!(lost(lease::release(&pool, &old).await));
    advance(&pool, &new, 0, 10).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_lease_expired_gets_a_new_epoch() {
    let (_database, pool) = pool().await;
    let old = acquire(&pool, "a", Duration::ZERO).await.unwrap();
    let new = acquire(&pool, "a", LONG).await.unwrap();
    assert_eq!((old.epoch, new.epoch), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_moves_only_from_its_current_position() {
    let (_database, pool) = pool().await;
    let lease = acquire(&pool, "a", LONG).await.unwrap();
    advance(&pool, &lease, 0, 10).await.unwrap();
    assert!(advance(&pool, &lease, 0, 10).await.is_err(), "the same step twice");
    advance(&pool, &lease, 10, 11).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_lease_is_free_at_once() {
    let (_database, pool) = pool().await;
    let lease = acquire(&pool, "a", LONG).await.unwrap();
    lease::release(&pool, &lease).await.unwrap();
    assert_eq!(acquire(&pool, "b", LONG).await.unwrap().epoch, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_concurrent_requests_for_a_free_lease_one_succeeds() {
    let (_database, pool) = pool().await;
    let owners: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let wanted = owners.iter().map(|owner| acquire(&pool, owner, LONG));
    let got = futures::future::join_all(wanted).await;
    assert_eq!(got.into_iter().flatten().count(), 1);
}
