//! Whatever ends a leadership, the next leader need not wait until the lease expires.

use std::sync::Arc;
use std::time::Duration;

use event_store::leader::{LeadError, Leader, LeaderWork, Leadership};
use event_store::lease::{self, LeaseError};
use local_postgres::testing::TestDatabase;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::proxy::{Loss, Proxy};
use crate::support::*;

/// Longer than any test, so a test that waits for the lease to expire fails.
const LONG: Duration = Duration::from_secs(3_600);

fn leader(pool: &PgPool, name: &'static str) -> Leader {
    Leader::new(pool.clone(), name).with_ttl(LONG).with_renewal(Duration::from_millis(10))
}

/// Work that ends in a given way.
enum Ends {
    WithAnError,
    InAPanic,
    /// Ends when it is asked to stop; it notifies when it has begun.
    WhenAskedTo(CancellationToken, Arc<Notify>),
    /// Ends when it cannot renew the lease any more.
    WithTheLease,
}

#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("the work failed")]
    Failed,
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

impl LeaderWork for Ends {
    type Error = WorkError;

    async fn lead(&mut self, leadership: &mut Leadership) -> Result<(), WorkError> {
        match self {
            Ends::WithAnError => Err(WorkError::Failed),
            Ends::InAPanic => panic!("the work panics"),
            Ends::WhenAskedTo(stop, begun) => {
                begun.notify_one();
                stop.cancelled().await;
                Ok(())
            }
            Ends::WithTheLease => loop {
                leadership.renew_if_due().await?;
                tokio::time::sleep(leadership.until_renewal()).await;
            },
        }
    }
}

async fn database_and_pool() -> (TestDatabase, PgPool) {
    let (database, _store) = fresh().await;
    let pool = database.pool().clone();
    (database, pool)
}

async fn assert_free(pool: &PgPool, name: &str) {
    let other = lease::acquire(pool, name, "another node", LONG).await.unwrap();
    assert!(other.is_some(), "the lease was not released");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_error_of_the_work_another_node_leads_at_once() {
    let (_database, pool) = database_and_pool().await;
    let ended = leader(&pool, "work").lead(&CancellationToken::new(), &mut Ends::WithAnError).await;
    assert!(matches!(ended, Some(Err(LeadError::Work(WorkError::Failed)))));
    assert_free(&pool, "work").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_panic_of_the_work_another_node_leads_at_once() {
    let (_database, pool) = database_and_pool().await;
    let ended = leader(&pool, "work").lead(&CancellationToken::new(), &mut Ends::InAPanic).await;
    let Some(Err(LeadError::Panicked(message))) = ended else { panic!("it did not panic") };
    assert_eq!(message, "the work panics");
    assert_free(&pool, "work").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_shutdown_another_node_leads_at_once() {
    let (_database, pool) = database_and_pool().await;
    let (stop, begun) = (CancellationToken::new(), Arc::new(Notify::new()));
    let mut work = Ends::WhenAskedTo(stop.clone(), begun.clone());
    let leading = leader(&pool, "work").run(&stop, &mut work);
    let stopping = async {
        begun.notified().await;
        stop.cancel();
    };
    within(async { tokio::join!(leading, stopping) }).await;
    assert_free(&pool, "work").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_connection_another_node_leads_at_once() {
    let (database, pool) = database_and_pool().await;
    let (node, stop) = (PgPool::connect(database.url()).await.unwrap(), CancellationToken::new());
    let mut leader = leader(&node, "work");
    let mut work = Ends::WithTheLease;
    let leading = leader.lead(&stop, &mut work);
    let terminating = async {
        until(|| async { is_led(&pool).await }).await;
        terminate_renewals(&pool).await;
    };
    let (ended, ()) = within(async { tokio::join!(leading, terminating) }).await;
    let Some(Err(LeadError::Work(WorkError::Lease(error)))) = ended else { panic!("{ended:?}") };
    assert!(matches!(error, LeaseError::Database(_)), "{error}");
    assert_free(&pool, "work").await;
}

async fn is_led(pool: &PgPool) -> bool {
    let led = "select exists (select from leases where expires_at > clock_timestamp())";
    sqlx::query_scalar(led).fetch_one(pool).await.unwrap()
}

/// Locks the lease, so that a renewal has to wait, and terminates the connection that waits.
async fn terminate_renewals(pool: &PgPool) {
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("select from leases for update").execute(&mut *lock).await.unwrap();
    until(|| async {
        let waiting = "select count(pg_terminate_backend(pid)) > 0 from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'
                         and query ~ 'leases'";
        sqlx::query_scalar(waiting).fetch_one(pool).await.unwrap()
    })
    .await;
    lock.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_error_of_the_store_another_node_leads_at_once() {
    let (database, pool) = database_and_pool().await;
    let node = PgPool::connect(database.url()).await.unwrap();
    let stop = CancellationToken::new();
    let mut leader = leader(&node, "work");
    let mut work = Ends::WithTheLease;
    let leading = leader.lead(&stop, &mut work);
    let breaking = async {
        until(|| async { is_led(&pool).await }).await;
        sqlx::raw_sql("alter table leases rename column epoch to moved")
            .execute(&pool)
            .await
            .unwrap();
        // Wait until a renewal has failed, and then the release.
        until(|| async { has_failed_to_release(&pool).await }).await;
        sqlx::raw_sql("alter table leases rename column moved to epoch")
            .execute(&pool)
            .await
            .unwrap();
    };
    let (ended, ()) = within(async { tokio::join!(leading, breaking) }).await;
    assert!(matches!(ended, Some(Err(LeadError::Work(WorkError::Lease(_))))), "{ended:?}");
    assert_free(&pool, "work").await;
}

async fn has_failed_to_release(pool: &PgPool) -> bool {
    let last = "select exists (select from pg_stat_activity
                where datname = current_database() and query ~ 'leases set expires_at = ''-infinity''')";
    sqlx::query_scalar(last).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_to_the_first_request_a_shutdown_releases_the_lease() {
    let (database, pool) = database_and_pool().await;
    let proxy = Proxy::to(database.url()).await;
    let node = PgPool::connect(proxy.url()).await.unwrap();
    let (stop, begun) = (CancellationToken::new(), Arc::new(Notify::new()));
    let mut leader = leader(&node, Proxy::MARK);
    proxy.arm(Loss::Answer);
    let mut work = Ends::WhenAskedTo(stop.clone(), begun);
    let leading = leader.lead(&stop, &mut work);
    let stopping = async {
        until(|| async { is_led(&pool).await }).await;
        stop.cancel();
    };
    within(async { tokio::join!(leading, stopping) }).await;
    assert!(proxy.has_lost(), "the proxy lost no answer, so the test proves nothing");
    assert_free(&pool, Proxy::MARK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_lost_its_lease_does_not_release_the_next_leaders() {
    let (_database, pool) = database_and_pool().await;
    let stop = CancellationToken::new();
    let mut leader = leader(&pool, "work");
    let mut work = Ends::WithTheLease;
    let leading = leader.lead(&stop, &mut work);
    let taking_over = async {
        until(|| async { is_led(&pool).await }).await;
        let take = "update leases set epoch = epoch + 1, owner = 'another node'";
        sqlx::raw_sql(take).execute(&pool).await.unwrap();
    };
    let (ended, ()) = within(async { tokio::join!(leading, taking_over) }).await;
    let Some(Err(LeadError::Work(WorkError::Lease(error)))) = ended else { panic!("{ended:?}") };
    assert!(matches!(error, LeaseError::Lost { .. }), "{error}");
    assert!(is_led(&pool).await, "it released the lease of the next leader");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_leads_and_the_checkpoint_passes_on() {
    let (_database, pool) = database_and_pool().await;
    let stop = CancellationToken::new();
    let mut first = leader(&pool, "work");
    assert!(first.lead(&stop, &mut Advances(0, 7)).await.unwrap().is_ok());
    let mut second = leader(&pool, "work");
    assert!(second.lead(&stop, &mut Advances(7, 9)).await.unwrap().is_ok());
}

/// Moves the checkpoint from one position to another; fails if it is not at the first.
struct Advances(i64, i64);

impl LeaderWork for Advances {
    type Error = LeaseError;

    async fn lead(&mut self, leadership: &mut Leadership) -> Result<(), LeaseError> {
        assert_eq!(leadership.checkpoint(), self.0);
        leadership.advance(self.1).await?;
        assert_eq!(leadership.checkpoint(), self.1);
        Ok(())
    }
}
