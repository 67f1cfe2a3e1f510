//! Commands decided on events that are not durable yet.

use domain::inventory::InventoryEvent;
use domain::{Event, Kind, Sku};
use event_store::RecordedEvent;

use crate::support::*;

/// Each adjustment of the stock: the quantity, and the units on hand that it recorded.
async fn ledger(shop: &Shop, sku: &Sku) -> Vec<(i64, i64)> {
    let events = shop.node().await.store().load(sku.inventory().id, 0).await.unwrap();
    let line = |event: &RecordedEvent| match Event::decode(Kind::Inventory, &event.payload) {
        Ok(Event::Inventory(InventoryEvent::Adjusted { quantity, on_hand, .. })) => {
            Some((quantity, on_hand))
        }
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

/// Node A decides twice on a stock that node B has changed. A's second append has the version that
/// follows B's event, but was decided on A's first append, whose place B's event has taken.
async fn send_on_a_refused_base(both_in_one_batch: bool) {
    let (shop, a, b) = Shop::selling(&mug(), 10).await;
    let tea: Sku = "TEA".parse().unwrap();
    stock(&a, &tea, 1).await;
    adjust(&a, &mug(), 1).await.unwrap();
    adjust(&b, &mug(), 100).await.unwrap();

    let lock = LogLock::hold(&shop).await;
    let plug = both_in_one_batch.then(|| tokio::spawn(adjust(&a, &tea, 1)));
    if both_in_one_batch {
        lock.until_waiting(&shop, 1).await;
    }
    let first = tokio::spawn(adjust(&a, &mug(), -5));
    until_seen_on_hand(&a, &mug(), 6).await;
    lock.until_waiting(&shop, 1).await;
    let second = tokio::spawn(adjust(&a, &mug(), -2));
    until_seen_on_hand(&a, &mug(), 4).await;
    lock.release().await;

    for command in plug.into_iter().chain([first, second]) {
        within(command).await.unwrap().unwrap();
    }
    let ledger = ledger(&shop, &mug()).await;
    assert_eq!(ledger[..3], [(10, 10), (1, 11), (100, 111)]);
    let mut balance = 0;
    for (quantity, on_hand) in ledger {
        balance += quantity;
        assert_eq!(on_hand, balance);
    }
    assert_eq!(balance, 104);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_with_the_right_version_on_the_wrong_head_is_decided_again() {
    send_on_a_refused_base(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn within_one_batch_it_is_decided_again_too() {
    send_on_a_refused_base(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_commands_needs_no_commit_each() {
    let (shop, a, _) = Shop::selling(&mug(), 10).await;
    let lock = LogLock::hold(&shop).await;
    let first = tokio::spawn(adjust(&a, &mug(), 1));
    lock.until_waiting(&shop, 1).await;
    let rest: Vec<_> = (0..100).map(|_| tokio::spawn(adjust(&a, &mug(), 1))).collect();
    until_seen_on_hand(&a, &mug(), 111).await;
    lock.release().await;
    within(first).await.unwrap().unwrap();
    for command in rest {
        within(command).await.unwrap().unwrap();
    }
    let batches = "select count(distinct xmin::text) from events where stream_id = $1";
    let batches: i64 = sqlx::query_scalar(batches)
        .bind(mug().inventory().id)
        .fetch_one(shop.database.pool())
        .await
        .unwrap();
    // One batch from before, one with the first command that waited for the lock, and one with all
    // others.
    assert_eq!(batches, 3);
}

/// A command is not acknowledged because of events that can still be refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_decided_on_a_refused_delivery_is_refused_too() {
    let (shop, a, b) = Shop::selling(&mug(), 0).await;
    let cart = filled_cart(&a, &mug(), 5).await;
    adjust(&b, &mug(), 1).await.unwrap();

    // On A's stale state, first the delivery of 5 and then the order are accepted.
    let lock = LogLock::hold(&shop).await;
    let expecting = commands::Context { expected_version: Some(1), ..once() };
    let delivery = tokio::spawn(adjust_as(&a, &mug(), 5, expecting));
    until_seen_on_hand(&a, &mug(), 5).await;
    lock.until_waiting(&shop, 1).await;
    let ordering = a.clone();
    let order = tokio::spawn(async move { ordering.execute(place(cart), once()).await });
    until_reserved(&a, 5).await;
    lock.release().await;

    let delivery = within(delivery).await.unwrap();
    assert!(
        matches!(delivery, Err(commands::CommandError::VersionConflict { .. })),
        "{delivery:?}"
    );
    let order = within(order).await.unwrap();
    assert_eq!(shortages(&order).map(|all| all[0].available), Some(1), "{order:?}");
    assert_eq!(shop.count("order.placed").await, 0);
}

async fn until_reserved(bus: &commands::Bus, units: i64) {
    until(async || {
        let reserved = bus.look(mug().inventory(), |state| match state {
            domain::State::Inventory(inventory) => inventory.stock().map(|stock| stock.reserved),
            _ => None,
        });
        reserved.await.unwrap() == Some(units)
    })
    .await;
}
