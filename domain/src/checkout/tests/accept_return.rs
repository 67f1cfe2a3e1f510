//! Accepting returned goods: the order and the stock change in one append.

use super::Shop;
use crate::fixtures::{minute, sku, units};
use crate::inventory::{AdjustmentKind, InventoryEvent};
use crate::order::{LineQuantity, OrderCommand, OrderError, Restocking, Shipment};
use crate::{Event, ShipmentId};

fn with_delivered_order() -> Shop {
    let mut shop = Shop::with_confirmed_order();
    shop.ask_order(OrderCommand::StartProcessing, minute(7));
    let shipment = Shipment {
        id: ShipmentId(uuid::Uuid::from_u128(1)),
        lines: vec![],
        carrier: None,
        tracking_number: None,
        estimated_delivery: None,
    };
    shop.ask_order(OrderCommand::Ship { shipment }, minute(8));
    shop.ask_order(OrderCommand::Deliver { lines: vec![] }, minute(9));
    shop
}

fn one_mug() -> Vec<LineQuantity> {
    vec![LineQuantity { sku: sku("MUG"), quantity: units(1) }]
}

#[test]
fn undamaged_goods_are_added_to_the_stock_again() {
    let mut shop = with_delivered_order();
    shop.check_stock([8, 7], [0, 0]);
    let changes = shop.accept_return(&one_mug(), Restocking::Restocked, minute(10)).unwrap();
    let (stream, Event::Inventory(InventoryEvent::Adjusted { kind, quantity, reference, .. })) =
        &changes[1]
    else {
        panic!("{:?} adjusts no stock", changes[1]);
    };
    assert_eq!((*stream, *kind, *quantity), (sku("MUG").inventory(), AdjustmentKind::Return, 1));
    assert_eq!(reference.as_ref().unwrap().as_str(), "A-1001");
    assert_eq!(shop.take(Ok(changes)), ["order.returned", "inventory.adjusted"]);
    shop.check_stock([9, 7], [0, 0]);
}

#[test]
fn written_off_goods_have_two_ledger_lines() {
    let mut shop = with_delivered_order();
    let changes = shop.accept_return(&one_mug(), Restocking::WrittenOff, minute(10)).unwrap();
    let ledger: Vec<_> = changes
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Inventory(InventoryEvent::Adjusted { kind, quantity, on_hand, .. }) => {
                Some((*kind, *quantity, *on_hand))
            }
            _ => None,
        })
        .collect();
    assert_eq!(ledger, [(AdjustmentKind::Return, 1, 9), (AdjustmentKind::Damage, -1, 8)]);
    shop.take(Ok(changes));
    shop.check_stock([8, 7], [0, 0]);
}

#[test]
fn without_lines_all_requested_returns_are_accepted() {
    let mut shop = with_delivered_order();
    assert_eq!(
        shop.accept_return(&[], Restocking::Restocked, minute(10)),
        Err(OrderError::NothingToReturn.into()),
    );
    shop.ask_order(OrderCommand::RequestReturn { lines: vec![], reason: None }, minute(10));
    shop.take(shop.accept_return(&[], Restocking::Restocked, minute(11)));
    shop.check_stock([10, 10], [0, 0]);
}
