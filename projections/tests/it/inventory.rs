//! The read models of stock levels, reservations and the ledger.

use domain::inventory::{AdjustmentKind, InventoryEvent, ReleaseReason};
use domain::{OrderId, StreamId};
use projections::ReadModels;
use projections::inventory::{Filter, LedgerKind};

use crate::support::{By, Shop, at, id, items, page, sku, text, walk};

fn stream() -> StreamId {
    sku("A").inventory()
}

fn adjusted(kind: AdjustmentKind, quantity: i64, on_hand: i64) -> InventoryEvent {
    let (reason, reference) = (Some(text("counted")), None);
    InventoryEvent::Adjusted { kind, quantity, reason, reference, on_hand, at: at(1) }
}

async fn shop(order: OrderId) -> Shop {
    let shop = Shop::open().await;
    let registered = InventoryEvent::Registered {
        sku: sku("A"),
        reorder_level: 2,
        reorder_quantity: 5,
        at: at(0),
    };
    shop.record(stream(), [registered, adjusted(AdjustmentKind::Purchase, 10, 10)]).await;
    let expires_at = at(900);
    shop.record(
        stream(),
        [
            InventoryEvent::Reserved { order, quantity: 3, expires_at, at: at(2) },
            InventoryEvent::Committed { order, quantity: 3, on_hand: 7, at: at(3) },
            InventoryEvent::Reserved { order: OrderId(id()), quantity: 4, expires_at, at: at(4) },
        ],
    )
    .await;
    let broken = adjusted(AdjustmentKind::Damage, -1, 6).into();
    shop.record_by(By::actor("staff:mary"), vec![(stream(), broken)]).await;
    let low = InventoryEvent::LowStock { available: 2, reorder_level: 2, at: at(5) };
    shop.record(stream(), [low]).await;
    shop
}

/// The units that are reserved and available at a time.
async fn figures(models: &ReadModels, seconds: i64) -> (i64, i64) {
    let row = models.inventory_item(&sku("A"), at(seconds)).await.unwrap().unwrap();
    (row.state.reserved, row.state.available())
}

#[tokio::test]
async fn available_units_depend_on_the_time_of_the_query() {
    let models = shop(OrderId(id())).await.projected().await;
    let row = models.inventory_item(&sku("A"), at(0)).await.unwrap().unwrap();
    assert_eq!((row.version, row.state.on_hand), (7, 6));
    assert_eq!(figures(&models, 899).await, (4, 2));
    assert_eq!(figures(&models, 900).await, (0, 6));
}

#[tokio::test]
async fn a_reservation_counts_until_it_expires_or_is_committed_or_released() {
    let shop = Shop::open().await;
    let [sold, extended, released, expired] = [(); 4].map(|()| OrderId(id()));
    let registered = InventoryEvent::Registered {
        sku: sku("A"),
        reorder_level: 0,
        reorder_quantity: 0,
        at: at(0),
    };
    shop.record(stream(), [registered, adjusted(AdjustmentKind::Purchase, 20, 20)]).await;
    let reserve = |order, quantity| {
        let (expires_at, at) = (at(900), at(2));
        InventoryEvent::Reserved { order, quantity, expires_at, at }
    };
    let reserved = [(sold, 1), (extended, 2), (released, 3), (expired, 4)];
    shop.record(stream(), reserved.map(|(order, quantity)| reserve(order, quantity))).await;
    let models = shop.projected().await;
    assert_eq!(figures(&models, 899).await, (10, 10));
    assert_eq!(figures(&models, 900).await, (0, 20));

    let (order, expires_at) = (extended, at(1_800));
    let extend = InventoryEvent::ReservationExtended { order, expires_at, at: at(3) };
    let (order, quantity, why) = (released, 3, ReleaseReason::Cancelled);
    let release = InventoryEvent::Released { order, quantity, why, at: at(4) };
    let (order, quantity, on_hand) = (sold, 1, 19);
    let commit = InventoryEvent::Committed { order, quantity, on_hand, at: at(5) };
    shop.record(stream(), [extend, release, commit]).await;
    let models = shop.projected().await;
    assert_eq!(figures(&models, 899).await, (6, 13));
    assert_eq!(figures(&models, 900).await, (2, 17));
    assert_eq!(figures(&models, 1_800).await, (0, 19));

    // The reservation had expired, but was not released; then it was extended.
    let (order, expires_at) = (expired, at(2_000));
    let late = InventoryEvent::ReservationExtended { order, expires_at, at: at(950) };
    shop.record(stream(), [late]).await;
    let models = shop.projected().await;
    assert_eq!(figures(&models, 1_999).await, (4, 15));
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn levels_stay_between_0_and_on_hand_while_one_table_is_ahead_of_the_other() {
    let shop = shop(OrderId(id())).await;
    let models = shop.projected().await;
    // The reservations are ahead: they have more units than the stock levels.
    shop.sql("update inventory_reservations set quantity = 1000").await;
    assert_eq!(figures(&models, 900).await, (0, 6));
    // The reservations are behind: units that were sold still count as reserved.
    shop.sql("update inventory_items set state = replace(state::text, '\"on_hand\":6', '\"on_hand\":3')::json")
        .await;
    assert_eq!(figures(&models, 899).await, (3, 0));
}

#[tokio::test]
async fn a_stock_with_thousands_of_open_reservations_is_still_one_small_row() {
    let shop = shop(OrderId(id())).await;
    for _ in 0..10 {
        let reserve = |()| {
            let (order, expires_at, at) = (OrderId(id()), at(5_000), at(1_000));
            InventoryEvent::Reserved { order, quantity: 1, expires_at, at }
        };
        shop.record(stream(), [(); 500].map(reserve)).await;
    }
    let models = shop.projected().await;
    assert_eq!(shop.count("select count(*) from inventory_reservations").await, 5_001);
    let bytes = shop.count("select octet_length(state::text)::bigint from inventory_items").await;
    assert!(bytes < 200, "{bytes}");
    assert_eq!(figures(&models, 5_000).await, (0, 6));
}

#[tokio::test]
async fn low_stock_can_be_filtered() {
    let shop = shop(OrderId(id())).await;
    let registered = InventoryEvent::Registered {
        sku: sku("B"),
        reorder_level: 0,
        reorder_quantity: 5,
        at: at(0),
    };
    shop.record(sku("B").inventory(), [registered]).await;
    let models = shop.projected().await;
    let skus = async |low| {
        let rows = items(models.inventory_items(&Filter { low }, &page(10), at(0)).await.unwrap());
        rows.iter().map(|row| row.state.sku.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(skus(None).await, ["A", "B"]);
    assert_eq!(skus(Some(true)).await, ["A"]);
    assert_eq!(skus(Some(false)).await, ["B"]);
}

#[tokio::test]
async fn every_change_of_on_hand_is_a_line_and_the_lines_sum_to_on_hand() {
    let order = OrderId(id());
    let models = shop(order).await.projected().await;
    let lines = walk(|page| {
        let models = models.clone();
        async move { models.inventory_ledger(&sku("A"), &page).await.unwrap() }
    })
    .await;

    let summary: Vec<_> = lines.iter().map(|l| (l.kind, l.quantity, l.balance)).collect();
    assert_eq!(
        summary,
        [(LedgerKind::Damage, -1, 6), (LedgerKind::Sale, -3, 7), (LedgerKind::Purchase, 10, 10)]
    );
    assert_eq!(lines[0].actor, "staff:mary");
    assert_eq!(lines[0].reason.as_deref(), Some("counted"));
    assert_eq!(lines[1].order, Some(order));
    assert_eq!(lines.iter().map(|line| line.quantity).sum::<i64>(), lines[0].balance);
}
