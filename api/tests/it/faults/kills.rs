//! Nodes that are killed by SIGKILL under load.

use super::load::{Load, Work, Worker, settle};
use super::truth::LogCheck;
use super::{check_everything_works, sell};
use crate::cluster::Shop;

const KILLS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_under_load_lose_no_acknowledged_command() {
    let shop = Shop::new().await;
    let mut node = shop.start().await;
    sell(&node, "MUG", 100_000).await;
    sell(&node, "TEA", 150).await;
    let buyer = |n| Worker::new(format!("buyer {n}"), Work::Order);
    let mut buyers: Vec<_> = (0..16).map(buyer).collect();
    for kill in 0..KILLS {
        let load = Load::start(&node, buyers);
        load.answered(40 + 7 * kill).await;
        node.kill().await;
        buyers = load.stop().await;
        node = shop.start().await;
    }
    settle(&node, &mut buyers).await;

    let truth = LogCheck::of(shop.url()).await;
    truth.check_acknowledged(&buyers).await;
    truth.check_read_models().await;
    check_everything_works(&node, "MUG").await;
}
