//! Cancelling: the goods are available again, and the payments are voided or refunded.

use super::{Shop, captured};
use crate::fixtures::{minute, order_id, sku};
use crate::inventory::{AdjustmentKind, InventoryEvent, ReleaseReason};
use crate::order::{CancelReason, OrderCommand, OrderError, OrderStatus, Shipment};
use crate::process::{Reaction, react};
use crate::{Event, ShipmentId};

const BY_CUSTOMER: CancelReason = CancelReason::Customer(None);
const BY_STAFF: CancelReason = CancelReason::Staff(None);

fn with_order_in_processing() -> Shop {
    let mut shop = Shop::with_confirmed_order();
    shop.ask_order(OrderCommand::StartProcessing, minute(7));
    shop
}

fn with_shipped_order() -> Shop {
    let mut shop = with_order_in_processing();
    let shipment = Shipment {
        id: ShipmentId(uuid::Uuid::from_u128(1)),
        lines: vec![],
        carrier: None,
        tracking_number: None,
        estimated_delivery: None,
    };
    shop.ask_order(OrderCommand::Ship { shipment }, minute(8));
    shop
}

#[test]
fn before_confirmation_the_reservations_are_released() {
    let mut shop = Shop::with_order();
    let changes = shop.cancel(&BY_CUSTOMER, minute(1)).unwrap();
    let released = InventoryEvent::Released {
        order: order_id(1),
        quantity: 2,
        why: ReleaseReason::Cancelled,
        at: minute(1),
    };
    assert_eq!(changes[1], (sku("MUG").inventory(), Event::Inventory(released)));
    assert_eq!(
        shop.take(Ok(changes)),
        ["order.cancelled", "inventory.released", "inventory.released"],
    );
    shop.check_stock([10, 10], [0, 0]);
    assert_eq!(shop.details().status(), OrderStatus::Cancelled);
}

#[test]
fn after_confirmation_the_units_are_returned_to_the_stock() {
    let mut shop = Shop::with_confirmed_order();
    let changes = shop.cancel(&BY_CUSTOMER, minute(7)).unwrap();
    let (_, Event::Inventory(InventoryEvent::Adjusted { kind, quantity, reference, .. })) =
        &changes[1]
    else {
        panic!("{:?} adjusts no stock", changes[1]);
    };
    assert_eq!((*kind, *quantity), (AdjustmentKind::Return, 2));
    assert_eq!(reference.as_ref().unwrap().as_str(), "A-1001");
    assert_eq!(
        shop.take(Ok(changes)),
        ["order.cancelled", "inventory.adjusted", "inventory.adjusted"],
    );
    shop.check_stock([10, 10], [0, 0]);
}

#[test]
fn cancelling_an_order_that_was_confirmed_late_returns_its_stock() {
    let mut shop = Shop::by_card();
    shop.take(shop.expire(minute(35)));
    shop.receive(1, captured(3400));
    shop.take(shop.settle(1, minute(36)));
    shop.check_stock([8, 7], [0, 0]);
    shop.take(shop.cancel(&BY_STAFF, minute(37)));
    shop.check_stock([10, 10], [0, 0]);
}

#[test]
fn without_a_reservation_nothing_is_released() {
    let mut shop = Shop::with_order();
    shop.others_reserve("MUG", 10, 60, minute(16));
    assert_eq!(
        shop.take(shop.cancel(&BY_CUSTOMER, minute(17))),
        ["order.cancelled", "inventory.released"],
    );
    shop.check_stock([10, 10], [10, 0]);
}

#[test]
fn a_customer_cancels_before_processing_and_staff_before_shipping() {
    let refused = Err(OrderError::AlreadyProcessing.into());
    assert_eq!(with_order_in_processing().cancel(&BY_CUSTOMER, minute(9)), refused);
    let mut shop = with_order_in_processing();
    shop.take(shop.cancel(&BY_STAFF, minute(9)));
    shop.check_stock([10, 10], [0, 0]);
}

#[test]
fn a_shipped_order_is_not_cancelled() {
    for reason in [BY_CUSTOMER, BY_STAFF] {
        let refused = Err(OrderError::AlreadyShipped.into());
        assert_eq!(with_shipped_order().cancel(&reason, minute(9)), refused);
    }
}

#[test]
fn cancelling_twice_releases_nothing_twice() {
    for mut shop in [Shop::with_order(), Shop::with_confirmed_order()] {
        shop.take(shop.cancel(&BY_CUSTOMER, minute(7)));
        assert!(shop.take(shop.cancel(&BY_STAFF, minute(8))).is_empty());
        shop.check_stock([10, 10], [0, 0]);
    }
}

#[test]
fn an_expired_order_is_not_cancelled() {
    let mut shop = Shop::with_order();
    shop.take(shop.expire(minute(15)));
    assert_eq!(shop.cancel(&BY_CUSTOMER, minute(16)), Err(OrderError::Closed.into()));
}

#[test]
fn payments_of_a_cancelled_order_are_voided_or_refunded() {
    let mut shop = Shop::with_confirmed_order();
    shop.receive(1, captured(3400));
    let changes = shop.cancel(&BY_CUSTOMER, minute(7)).unwrap();
    let (stream, event) = &changes[0];
    assert_eq!(react(*stream, event), [Reaction::UnwindPayments(order_id(1))]);
    shop.take(Ok(changes));
    assert_eq!(shop.take(shop.unwind(1, minute(8))), ["payment.refund_requested"]);
    assert!(shop.take(shop.unwind(1, minute(9))).is_empty());
}
