//! An idempotency key has one effect and one answer.

use commands::{Bus, CommandError, Receipt};
use domain::{CartId, Kind, State};

use crate::support::*;

const CLIENTS: usize = 50;

/// Checks that one request was executed and all others were answered with its result.
fn assert_one_effect(results: &[Result<Receipt, CommandError>]) -> &Receipt {
    let receipts: Vec<_> = results.iter().map(|result| result.as_ref().unwrap()).collect();
    let replayed = receipts.iter().filter(|receipt| receipt.replayed).count();
    assert_eq!(replayed, results.len() - 1);
    let first = receipts[0];
    for receipt in &receipts {
        assert_eq!(receipt.position, first.position);
        assert_eq!(receipt.events, first.events);
    }
    first
}

async fn adjust_with_one_key(nodes: &[&Bus]) -> Vec<Result<Receipt, CommandError>> {
    let node = |n: usize| nodes[n % nodes.len()];
    all((0..CLIENTS).map(|n| adjust_as(node(n), &mug(), 7, keyed("k", "seven")))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_requests_with_one_key_one_is_executed() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    assert_one_effect(&adjust_with_one_key(&[&a]).await);
    assert_eq!(shop.stock(&mug()).await.on_hand, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_at_two_nodes_is_one_effect() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    assert_one_effect(&adjust_with_one_key(&[&a, &b]).await);
    assert_eq!(shop.stock(&mug()).await.on_hand, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_placed_fifty_times_is_one_order() {
    let (shop, a, b) = Shop::selling(&mug(), 50).await;
    let cart = filled_cart(&a, &mug(), 1).await;
    let orders = (0..CLIENTS).map(|n| {
        let node = if n % 2 == 0 { a.clone() } else { b.clone() };
        // Each request comes with an order id and a number of its own.
        async move { node.execute(place(cart), keyed("k", "place")).await }
    });
    let results = all(orders).await;
    let order = assert_one_effect(&results).stream(Kind::Order).unwrap();
    for result in &results {
        let subject = result.as_ref().unwrap().subject.as_ref().unwrap();
        assert_eq!(subject.stream, order);
    }
    assert_eq!(shop.count("order.placed").await, 1);
    assert_eq!(shop.stock(&mug()).await.reserved, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_cannot_be_used_for_another_request() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    adjust_as(&a, &mug(), 7, keyed("k", "seven")).await.unwrap();
    for node in [&a, &b] {
        let other = adjust_as(node, &mug(), 8, keyed("k", "eight")).await;
        assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
        // The key cannot be used for a request that would be refused either.
        let refused = adjust_as(node, &mug(), -100, keyed("k", "minus a hundred")).await;
        assert!(matches!(refused, Err(CommandError::KeyReused)), "{refused:?}");
    }
    assert_eq!(shop.stock(&mug()).await.on_hand, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_requests_that_race_for_a_key_one_is_executed() {
    let (shop, a, b) = Shop::selling(&mug(), 0).await;
    let requests = (0..CLIENTS).map(|n| {
        let (node, units) = (if n % 2 == 0 { &a } else { &b }, n as i64 % 5 + 1);
        adjust_as(node, &mug(), units, keyed("k", &units.to_string()))
    });
    let results = all(requests).await;
    let answered: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!((answered.len(), answered.iter().filter(|r| !r.replayed).count()), (CLIENTS / 5, 1));
    let refused = |r: &&Result<Receipt, CommandError>| matches!(r, Err(CommandError::KeyReused));
    assert_eq!(results.iter().filter(refused).count(), CLIENTS - CLIENTS / 5);
    assert_eq!(shop.count("inventory.adjusted").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_of_another_customer_is_another_key() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    for customer in ["customer:ada", "customer:bob"] {
        let context = commands::Context::keyed(customer, "k", "test", &"seven").unwrap();
        assert!(!adjust_as(&a, &mug(), 7, context).await.unwrap().replayed);
    }
    assert_eq!(shop.stock(&mug()).await.on_hand, 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_command_was_refused_may_be_tried_again() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    assert!(adjust_as(&a, &mug(), -2, keyed("k", "minus two")).await.is_err());
    adjust(&b, &mug(), 1).await.unwrap();
    let receipt = adjust_as(&a, &mug(), -2, keyed("k", "minus two")).await.unwrap();
    assert!(!receipt.replayed);
    assert_eq!(shop.stock(&mug()).await.on_hand, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_gets_the_first_answer_though_the_cart_is_checked_out() {
    let (_shop, a, b) = Shop::selling(&mug(), 1).await;
    let cart = filled_cart(&a, &mug(), 1).await;
    let first = a.execute(place(cart), keyed("k", "place")).await.unwrap();
    let order = first.stream(Kind::Order).unwrap();
    for node in [&a, &b] {
        let second = node.execute(place(cart), keyed("k", "place")).await.unwrap();
        assert_eq!((second.replayed, second.position), (true, first.position));
        assert_eq!(second.subject.unwrap().stream, order);
    }
    // Under another key, the checked-out cart is refused.
    let third = b.execute(place(cart), keyed("another", "place")).await;
    assert!(matches!(third, Err(CommandError::Refused(_))), "{third:?}");
}

/// A replay has the first result's position, and the object as it is now.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_the_object_as_it_is_now() {
    let (_shop, a, b) = Shop::selling(&mug(), 1).await;
    let cart: CartId = filled_cart(&a, &mug(), 1).await;
    let first = a.execute(add(cart, &mug(), 1), keyed("k", "one")).await.unwrap();
    b.execute(add(cart, &mug(), 5), once()).await.unwrap();
    let again = a.execute(add(cart, &mug(), 1), keyed("k", "one")).await.unwrap();
    assert_eq!((again.position, again.replayed), (first.position, true));
    let subject = again.subject.unwrap();
    let State::Cart(cart) = subject.state else { panic!("no cart") };
    assert_eq!(cart.details().unwrap().lines[0].quantity.get(), 7);
}
