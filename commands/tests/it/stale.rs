//! A refusal or a no-op is answered only if no other node has changed the states that it was
//! decided on.

use domain::inventory::InventoryCommand;
use domain::product::{Product, ProductCommand};
use domain::{CartId, State};
use uuid::Uuid;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_decided_on_an_outdated_stock_is_not_answered() {
    let (_shop, a, b) = Shop::selling(&mug(), 0).await;
    adjust(&b, &mug(), 5).await.unwrap();
    assert_eq!(seen_on_hand(&a, &mug()).await, Some(0), "node A's stock is outdated");
    adjust(&a, &mug(), -3).await.expect("there are 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_refused_on_an_outdated_stock_is_decided_again_and_placed() {
    let (_shop, a, b) = Shop::selling(&mug(), 0).await;
    let cart = filled_cart(&a, &mug(), 5).await;
    let refused = a.execute(place(cart), once()).await;
    assert_eq!(shortages(&refused).map(|all| all[0].available), Some(0));
    adjust(&b, &mug(), 5).await.unwrap();
    a.execute(place(cart), once()).await.expect("there are 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_absent_before_is_loaded_again() {
    let shop = Shop::new().await;
    let (a, b) = (shop.node().await, shop.node().await);
    let cart = CartId(Uuid::now_v7());
    assert!(a.execute(add(cart, &mug(), 1), once()).await.is_err());
    stock(&b, &mug(), 1).await;
    a.execute(add(cart, &mug(), 1), once()).await.expect("there is a mug by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_op_decided_on_an_outdated_price_is_decided_again() {
    let (shop, a, b) = Shop::selling(&mug(), 0).await;
    let reprice = |cents| ProductCommand::Reprice { price: usd(cents) };
    product(&b, &mug(), reprice(1_999), once()).await.unwrap();
    let receipt = product(&a, &mug(), reprice(999), once()).await.unwrap();
    assert_eq!(receipt.events.len(), 1);
    let State::Product(Product::Active(listing)) = shop.state(mug().product()).await else {
        panic!("no product");
    };
    assert_eq!(listing.price, usd(999));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_stored_only_at_the_products_current_price() {
    let (_shop, a, b) = Shop::selling(&mug(), 9).await;
    let cart = filled_cart(&a, &mug(), 1).await;
    product(&b, &mug(), ProductCommand::Reprice { price: usd(1_999) }, once()).await.unwrap();
    // A has the old price in memory, and writes only to the cart.
    let receipt = a.execute(add(CartId(Uuid::now_v7()), &mug(), 1), once()).await.unwrap();
    let State::Cart(cart_now) = receipt.subject.unwrap().state else { panic!("no cart") };
    assert_eq!(cart_now.details().unwrap().lines[0].unit_price, usd(1_999));
    // And the older cart cannot be checked out at a price that its customer has not accepted.
    assert!(a.execute(place(cart), once()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_no_op_write_nothing() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    let head = a.store().head().await.unwrap();
    assert!(adjust(&a, &mug(), -2).await.is_err());
    let same = InventoryCommand::SetReorderLevel { reorder_level: 0, reorder_quantity: 1 };
    let receipt = ask_inventory(&a, &mug(), same, once()).await.unwrap();
    assert_eq!((receipt.events.len(), receipt.position), (0, head));
    assert_eq!(shop.node().await.store().head().await.unwrap(), head);
}
