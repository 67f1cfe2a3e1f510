//! If a caller disconnects, its command is executed completely or not at all.

use domain::cart::Cart;
use domain::order::Order;
use domain::{CartId, OrderId, State};

use crate::support::*;

async fn is_placed(shop: &Shop, order: OrderId, cart: CartId) {
    until(async || shop.state(order.stream()).await != State::Order(Order::Absent)).await;
    assert!(
        matches!(shop.state(cart.stream()).await, State::Cart(Cart::CheckedOut(_, by)) if by == order)
    );
    assert_eq!(shop.stock(&mug()).await.reserved, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_disconnects_after_queueing_leaves_a_complete_order() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    let cart = filled_cart(&a, &mug(), 1).await;
    let (command, bus) = (place(cart), a.clone());
    let order = command.order;
    let lock = LogLock::hold(&shop).await;
    let caller = tokio::spawn(async move { bus.execute(command, once()).await });
    lock.until_waiting(&shop, 1).await;
    caller.abort();
    assert!(within(caller).await.unwrap_err().is_cancelled());
    lock.release().await;
    is_placed(&shop, order, cart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_disconnects_at_once_leaves_a_complete_order() {
    let (shop, _, b) = Shop::selling(&mug(), 1).await;
    let cart = filled_cart(&b, &mug(), 1).await;
    // A node that has nothing in its cache.
    let cold = shop.node().await;
    let command = place(cart);
    let order = command.order;
    let mut asking = Box::pin(cold.execute(command, once()));
    assert!(futures::poll!(asking.as_mut()).is_pending());
    drop(asking);
    is_placed(&shop, order, cart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_waits_for_running_commands() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    let lock = LogLock::hold(&shop).await;
    let under_way = tokio::spawn(adjust(&a, &mug(), 1));
    lock.until_waiting(&shop, 1).await;
    let mut stopping = Box::pin(a.shutdown());
    assert!(futures::poll!(stopping.as_mut()).is_pending());
    lock.release().await;
    within(stopping).await;
    within(under_way).await.unwrap().unwrap();
    assert_eq!(shop.stock(&mug()).await.on_hand, 2);
}
