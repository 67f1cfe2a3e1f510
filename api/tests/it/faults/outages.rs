//! Postgres goes and comes back; the server stays.

use local_postgres::testing::cluster;

use super::load::{Load, Work, Worker, settle};
use super::truth::Truth;
use super::{everything_works, sell};
use crate::cluster::{Node, Shop, until};

async fn is_ready(node: &Node) -> bool {
    let answer = node.stranger().get("/health/ready").await;
    answer.is_ok_and(|answer| answer.status.is_success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_and_a_restart_of_postgres_are_survived() {
    let mut cluster = cluster().await;
    let shop = Shop::on(cluster.url());
    let node = shop.start().await;
    sell(&node, "MUG", 100_000).await;
    sell(&node, "TEA", 60).await;
    let buyers = (0..8).map(|n| Worker::new(format!("buyer {n}"), Work::Order)).collect();
    let load = Load::start(&node, buyers);
    load.answered(50).await;

    cluster.kill().await;
    until("the node says that it is not ready", async || !is_ready(&node).await).await;
    let metrics = node.stranger().get("/metrics").await.unwrap();
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(metrics.contains("\ncartulary_database_up 0\n"), "{metrics}");
    cluster.start().await;
    load.answered(50).await;

    cluster.restart().await;
    load.answered(50).await;
    until("the node is ready again", async || is_ready(&node).await).await;

    let mut buyers = load.stop().await;
    settle(&node, &mut buyers).await;
    everything_works(&node, "MUG").await;
    let truth = Truth::of(shop.url()).await;
    truth.knows(&buyers).await;
    truth.read_models_are_right().await;
}
