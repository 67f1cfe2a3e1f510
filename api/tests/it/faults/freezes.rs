//! A node that is frozen, while it holds locks and leases.

use std::time::{Duration, Instant};

use local_postgres::testing::TestDatabase;

use super::load::{Load, Work, Worker, settle};
use super::truth::LogCheck;
use super::{check_everything_works, figures, position, sell, units};
use crate::cluster::{Node, Shop, until};

/// The longest that commands and queries of the other node may be blocked. The node stays frozen
/// for longer, so whatever succeeds within this time did not wait for it.
const SECONDS: Duration = Duration::from_secs(30);

/// How many times the test tries to freeze the node while it holds the lock. On a very busy machine
/// it may never succeed; the event store's tests cover that case without chance.
const TRIES: usize = 60;

/// Freezes the node at a moment when it holds the log's lock, if one is found.
async fn freeze_with_the_lock(node: &Node, database: &TestDatabase) {
    for _ in 0..TRIES {
        node.freeze();
        // The other node does not hold the lock that long.
        let held = "select exists (select from pg_stat_activity a join pg_locks l using (pid)
             where a.datname = current_database() and l.locktype = 'advisory' and l.granted
               and l.objid = 7161677 and a.state = 'idle in transaction'
               and a.state_change < clock_timestamp() - interval '200 milliseconds')";
        tokio::time::sleep(Duration::from_millis(250)).await;
        let caught: bool = sqlx::query_scalar(held).fetch_one(database.pool()).await.unwrap();
        if caught {
            return;
        }
        node.thaw();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    node.freeze();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_node_blocks_no_other_node_and_writes_nothing_wrong() {
    let shop = Shop::new().await;
    let frozen = shop.start().await;
    // The first node has all leases.
    warm_up(&frozen).await;
    let other = shop.start().await;

    // Both nodes write to one stream all the time, so each takes the log's lock itself.
    let crew = || (0..8).map(|_| Worker::new("owner", Work::Stock)).collect();
    let (there, here) = (Load::start(&frozen, crew()), Load::start(&other, crew()));
    there.answered(20).await;
    here.answered(20).await;
    freeze_with_the_lock(&frozen, shop.database.as_ref().unwrap()).await;

    let begun = Instant::now();
    here.answered(20).await;
    let bob = other.customer("bob");
    let added = bob.insist("cartLinesAdd", "cart { id }", units("MUG", 1)).await;
    assert!(begun.elapsed() < SECONDS, "commands stood still for {:?}", begun.elapsed());
    let admin = other.admin();
    until("the read models have caught up", async || {
        figures(&admin, "MUG", position(&added)).await.is_ok()
    })
    .await;
    assert!(begun.elapsed() < SECONDS, "queries stood still for {:?}", begun.elapsed());
    check_everything_works(&other, "MUG").await;

    frozen.thaw();
    there.answered(20).await;
    here.answered(20).await;
    let mut crew = there.stop().await;
    crew.extend(here.stop().await);
    settle(&frozen, &mut crew).await;
    check_everything_works(&frozen, "MUG").await;
    let truth = LogCheck::of(shop.url()).await;
    truth.check_acknowledged(&crew).await;
    assert_eq!(truth.on_hand("TEA"), crew.iter().map(|worker| worker.units).sum::<i64>());
    truth.check_read_models().await;
}

async fn warm_up(node: &Node) {
    sell(node, "MUG", 1_000).await;
    sell(node, "TEA", 0).await;
    check_everything_works(node, "MUG").await;
}
