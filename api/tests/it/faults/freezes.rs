//! A node that stands still, with whatever it holds.

use std::time::{Duration, Instant};

use local_postgres::testing::TestDatabase;

use super::load::{Load, Work, Worker, settle};
use super::truth::Truth;
use super::{everything_works, figures, position, sell, units};
use crate::cluster::{Node, Shop, until};

/// So long may commands and queries of the other node stand still.  The node stays frozen for longer:
/// what goes on within this time did not wait for it.
const SECONDS: Duration = Duration::from_secs(30);

/// How often a moment with the lock is sought. On a very busy machine there may be none; how a
/// frozen holder of the lock is overcome is also tested, without chance, with the event store.
const TRIES: usize = 60;

/// Freezes the node, if it can be at a moment when it holds the log's lock and Postgres waits for it.
async fn freeze_with_the_lock(node: &Node, database: &TestDatabase) {
    for _ in 0..TRIES {
        node.freeze();
        // The other node holds no lock that long.
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
async fn a_node_frozen_in_the_middle_of_everything_stalls_nobody_and_does_no_harm() {
    let shop = Shop::new().await;
    let frozen = shop.start().await;
    // The first node has all the leases.
    everything_works_at_first(&frozen).await;
    let other = shop.start().await;

    // Both nodes write to one stream all the time, and so take the lock themselves.
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
    until("the read models have come along", async || {
        figures(&admin, "MUG", position(&added)).await.is_ok()
    })
    .await;
    assert!(begun.elapsed() < SECONDS, "queries stood still for {:?}", begun.elapsed());
    everything_works(&other, "MUG").await;

    frozen.thaw();
    there.answered(20).await;
    here.answered(20).await;
    let mut crew = there.stop().await;
    crew.extend(here.stop().await);
    settle(&frozen, &mut crew).await;
    everything_works(&frozen, "MUG").await;
    let truth = Truth::of(shop.url()).await;
    truth.knows(&crew).await;
    assert_eq!(truth.on_hand("TEA"), crew.iter().map(|worker| worker.units).sum::<i64>());
    truth.read_models_are_right().await;
}

async fn everything_works_at_first(node: &Node) {
    sell(node, "MUG", 1_000).await;
    sell(node, "TEA", 0).await;
    everything_works(node, "MUG").await;
}
