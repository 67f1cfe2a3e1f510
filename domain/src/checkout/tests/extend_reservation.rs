//! Extending a reservation while the outcome of a payment is unknown.

use chrono::TimeDelta;

use super::{Shop, authorized, related};
use crate::checkout::{Changes, extend_reservation};
use crate::fixtures::{minute, order_id, payment_id};
use crate::order::CancelReason;
use crate::payment::{Fact, Payment};
use crate::{Refusal, State, Timestamp};

/// Extends the reservation, to at most one hour after minute 0.
fn hold(shop: &Shop, now: Timestamp) -> Result<Changes, Refusal> {
    let payment = state!(shop, Payment, payment_id(1).stream());
    let (stocks, coupon) = (shop.stocks(), shop.coupon());
    let order = (order_id(1), &shop.order());
    extend_reservation(order, &payment, TimeDelta::minutes(60), &related(&stocks, &coupon), now)
}

fn with_unknown_payment() -> Shop {
    let mut shop = Shop::by_card();
    shop.receive(1, Fact::Unknown);
    shop
}

#[test]
fn the_reservation_is_extended_up_to_its_limit() {
    let mut shop = with_unknown_payment();
    assert_eq!(
        shop.take(hold(&shop, minute(6))),
        [
            "order.reservation_extended",
            "inventory.reservation_extended",
            "inventory.reservation_extended",
        ],
    );
    assert_eq!(shop.details().reserved_until, minute(60));
    assert_eq!([shop.expiry("MUG", 1), shop.expiry("TEA", 1)], [minute(60); 2]);
    assert!(shop.take(hold(&shop, minute(7))).is_empty(), "once");
    assert!(shop.take(shop.expire(minute(59))).is_empty());
    assert!(!shop.take(shop.expire(minute(60))).is_empty());
}

#[test]
fn it_is_extended_only_for_an_order_that_waits_for_this_payment() {
    let mut known = with_unknown_payment();
    known.receive(1, authorized());
    assert_eq!(hold(&known, minute(6)), Ok(vec![]));

    let mut cancelled = with_unknown_payment();
    cancelled.take(cancelled.cancel(&CancelReason::Customer(None), minute(6)));
    assert_eq!(hold(&cancelled, minute(6)), Ok(vec![]));
}

#[test]
fn an_expired_reservation_is_not_extended() {
    assert_eq!(hold(&with_unknown_payment(), minute(35)), Ok(vec![]));
}
