//! Expiring an order that was not paid in time.

use super::{Shop, authorized};
use crate::Event;
use crate::fixtures::{minute, order_id};
use crate::inventory::{InventoryEvent, ReleaseReason};
use crate::order::{CancelReason, OrderError, OrderStatus};

#[test]
fn an_order_expires_at_its_time_and_not_before() {
    let mut shop = Shop::with_order();
    assert!(shop.take(shop.expire(minute(14))).is_empty());
    let changes = shop.expire(minute(15)).unwrap();
    let released = InventoryEvent::Released {
        order: order_id(1),
        quantity: 2,
        why: ReleaseReason::Expired,
        at: minute(15),
    };
    assert_eq!(changes[1].1, Event::Inventory(released));
    assert_eq!(
        shop.take(Ok(changes)),
        ["order.expired", "inventory.released", "inventory.released"],
    );
    shop.check_stock([10, 10], [0, 0]);
    assert_eq!(shop.details().status(), OrderStatus::Expired);
    assert!(shop.take(shop.expire(minute(16))).is_empty(), "it expires once");
}

#[test]
fn a_payment_extends_the_reservation() {
    let mut shop = Shop::by_card();
    assert!(shop.take(shop.expire(minute(15))).is_empty());
    assert!(shop.take(shop.expire(minute(34))).is_empty());
    assert!(!shop.take(shop.expire(minute(35))).is_empty());
}

#[test]
fn reservations_that_another_node_has_released_are_not_released_again() {
    let mut shop = Shop::with_order();
    shop.others_reserve("MUG", 10, 60, minute(15));
    assert_eq!(shop.take(shop.expire(minute(16))), ["order.expired", "inventory.released"],);
    shop.check_stock([10, 10], [10, 0]);
}

#[test]
fn only_a_waiting_order_expires() {
    let mut paid = Shop::by_card();
    paid.receive(1, authorized());
    paid.take(paid.settle(1, minute(6)));
    assert!(paid.take(paid.expire(minute(99))).is_empty());

    let mut cancelled = Shop::with_order();
    cancelled.take(cancelled.cancel(&CancelReason::Customer(None), minute(1)));
    assert!(cancelled.take(cancelled.expire(minute(99))).is_empty());

    assert_eq!(Shop::with_cart().expire(minute(99)), Err(OrderError::Missing.into()));
}
