//! The stock and its ledger.

use domain::inventory::{Adjustment, InventoryEvent};
use domain::{OrderId, StreamId};
use projections::inventory::{Filter, LedgerKind};

use crate::support::{By, Shop, at, id, items, page, sku, text, walk};

fn stream() -> StreamId {
    sku("A").inventory()
}

fn adjusted(kind: Adjustment, quantity: i64, on_hand: i64) -> InventoryEvent {
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
    shop.record(stream(), [registered, adjusted(Adjustment::Purchase, 10, 10)]).await;
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
    let broken = adjusted(Adjustment::Damage, -1, 6).into();
    shop.record_by(By::actor("staff:mary"), vec![(stream(), broken)]).await;
    let low = InventoryEvent::LowStock { available: 2, reorder_level: 2, at: at(5) };
    shop.record(stream(), [low]).await;
    shop
}

#[tokio::test]
async fn what_is_available_depends_on_the_moment_of_reading() {
    let models = shop(OrderId(id())).await.projected().await;
    let row = models.inventory_item(&sku("A")).await.unwrap().unwrap();
    assert_eq!(row.state.stock().unwrap().on_hand, 6);
    assert_eq!(row.state.available(at(899)), 2);
    assert_eq!(row.state.available(at(900)), 6);
}

#[tokio::test]
async fn low_stock_can_be_told_apart() {
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
        let rows = items(models.inventory_items(&Filter { low }, &page(10)).await.unwrap());
        rows.iter().map(|row| row.state.stock().unwrap().sku.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(skus(None).await, ["A", "B"]);
    assert_eq!(skus(Some(true)).await, ["A"]);
    assert_eq!(skus(Some(false)).await, ["B"]);
}

#[tokio::test]
async fn every_change_of_what_is_on_hand_is_a_line_and_the_lines_sum_to_the_balance() {
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
