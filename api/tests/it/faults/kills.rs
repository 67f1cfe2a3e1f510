//! `kill -9` in the middle of everything.

use super::load::{Load, Work, Worker, settle};
use super::truth::Truth;
use super::{everything_works, sell};
use crate::cluster::Shop;

const KILLS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_under_load_lose_nothing_that_was_acknowledged() {
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

    let truth = Truth::of(shop.url()).await;
    truth.knows(&buyers).await;
    truth.read_models_are_right().await;
    everything_works(&node, "MUG").await;
}
