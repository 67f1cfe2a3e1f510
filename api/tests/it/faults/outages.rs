//! Postgres stops and starts again while the server keeps running.

use local_postgres::testing::cluster;

use super::load::{Load, Work, Worker, settle};
use super::truth::LogCheck;
use super::{check_everything_works, sell};
use crate::cluster::{Node, Shop, until};

async fn is_ready(node: &Node) -> bool {
    let answer = node.stranger().get("/health/ready").await;
    answer.is_ok_and(|answer| answer.status.is_success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_survives_a_crash_and_a_restart_of_postgres() {
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
    check_everything_works(&node, "MUG").await;
    let truth = LogCheck::of(shop.url()).await;
    truth.check_acknowledged(&buyers).await;
    truth.check_read_models().await;
}
