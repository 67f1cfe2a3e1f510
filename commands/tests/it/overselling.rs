//! Many customers order few units at the same time, and no unit is sold twice.

use commands::{CommandError, Receipt};
use domain::Sku;

use crate::support::*;

const CUSTOMERS: usize = 200;

/// Every customer fills a cart; then all place their orders at once, half of them on each node.
async fn rush(
    sku: &Sku,
    on_hand: u32,
    additions: usize,
) -> (Shop, Vec<Result<Receipt, CommandError>>) {
    let (shop, a, b) = Shop::selling(sku, on_hand).await;
    let mut orders = Vec::new();
    for n in 0..CUSTOMERS {
        let node = if n % 2 == 0 { &a } else { &b };
        let cart = filled_cart(node, sku, 1).await;
        for _ in 1..additions {
            node.execute(add(cart, sku, 1), once()).await.unwrap();
        }
        let node = node.clone();
        orders.push(async move { node.execute(place(cart), once()).await });
    }
    (shop, all(orders).await)
}

async fn assert_fifty_are_sold(shop: &Shop, left: i64, results: &[Result<Receipt, CommandError>]) {
    let served = results.iter().filter(|result| result.is_ok()).count();
    let refused: Vec<_> = results.iter().filter_map(shortages).collect();
    let faults: Vec<_> = results.iter().filter(|r| r.is_err() && shortages(r).is_none()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!((served, refused.len()), (50, 150));
    for shortages in refused {
        let [short] = shortages else { panic!("{shortages:?}") };
        assert_eq!((&short.sku, short.available), (&mug(), left));
    }
    let stock = shop.stock(&mug()).await;
    assert_eq!(stock.on_hand - stock.reserved, left);
    assert_eq!(shop.count("order.placed").await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_units_exactly_fifty_are_sold_by_two_nodes() {
    let (shop, results) = rush(&mug(), 50, 1).await;
    assert_fifty_are_sold(&shop, 0, &results).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_that_was_added_twice_is_reserved_twice() {
    let (shop, results) = rush(&mug(), 101, 2).await;
    assert_fifty_are_sold(&shop, 1, &results).await;
    assert_eq!(shop.stock(&mug()).await.reserved, 100);
}
