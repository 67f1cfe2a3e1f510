//! Starting a payment.

use super::{Shop, authorized, declined, payment};
use crate::Refusal;
use crate::checkout::{CheckoutError, StartPayment};
use crate::fixtures::{minute, order_id, payment_id, usd};
use crate::order::{CancelReason, OrderError};
use crate::payment::{Fact, PaymentStatus};
use chrono::TimeDelta;

fn in_progress() -> Refusal {
    CheckoutError::PaymentInProgress.into()
}

#[test]
fn a_payment_is_started_recorded_with_the_order_and_extends_the_reservation() {
    let mut shop = Shop::with_order();
    assert_eq!(
        shop.take(shop.start_payment(payment(1), minute(5))),
        [
            "payment.initiated",
            "order.payment_started",
            "inventory.reservation_extended",
            "inventory.reservation_extended",
        ],
    );
    let attempt = shop.attempt(1);
    assert_eq!((attempt.order, attempt.amount), (order_id(1), usd(3400)));
    assert_eq!(attempt.status(), PaymentStatus::Pending);
    let order = shop.details();
    assert!(order.is_pending());
    assert_eq!(order.latest_payment, Some(payment_id(1)));
    assert_eq!(order.reserved_until, minute(35));
    for name in ["MUG", "TEA"] {
        assert_eq!(shop.expiry(name, 1), minute(35));
    }
}

#[test]
fn the_reservation_is_extended_at_most_to_its_limit() {
    let mut shop = Shop::with_order();
    let long = StartPayment { reserve_for: TimeDelta::minutes(90), ..payment(1) };
    shop.take(shop.start_payment(long, minute(5)));
    assert_eq!(shop.details().reserved_until, minute(60));
}

#[test]
fn a_payment_never_shortens_the_reservation() {
    for short in [
        StartPayment { reserve_for: TimeDelta::minutes(1), ..payment(1) },
        StartPayment { reserve_at_most: TimeDelta::minutes(1), ..payment(1) },
    ] {
        let mut shop = Shop::with_order();
        assert_eq!(
            shop.take(shop.start_payment(short, minute(5))),
            ["payment.initiated", "order.payment_started"],
        );
        assert_eq!(shop.details().reserved_until, minute(15));
    }
}

#[test]
fn an_order_has_one_open_payment_at_a_time() {
    let reference = || String::from("pi_1");
    for fact in [
        Fact::Processing { reference: reference() },
        Fact::ActionRequired { reference: reference(), url: None },
        Fact::Unknown,
        authorized(),
    ] {
        let mut shop = Shop::by_card();
        assert_eq!(shop.start_payment(payment(2), minute(6)), Err(in_progress()));
        shop.receive(1, fact);
        assert_eq!(shop.start_payment(payment(2), minute(6)), Err(in_progress()));
    }
}

#[test]
fn after_a_payment_has_ended_another_may_start() {
    for fact in [declined(), Fact::Cancelled, Fact::Expired] {
        let mut shop = Shop::by_card();
        shop.receive(1, fact);
        shop.take(shop.start_payment(payment(2), minute(6)));
        assert_eq!(shop.details().latest_payment, Some(payment_id(2)));
    }
}

#[test]
fn no_payment_starts_after_the_reservation_has_ended() {
    let shop = Shop::with_order();
    let ended = CheckoutError::ReservationEnded;
    assert_eq!(shop.start_payment(payment(1), minute(15)), Err(ended.into()));
    assert!(shop.start_payment(payment(1), minute(14)).is_ok());
}

#[test]
fn only_a_waiting_order_is_paid_for() {
    let missing = Refusal::from(OrderError::Missing);
    assert_eq!(Shop::with_cart().start_payment(payment(1), minute(1)), Err(missing));

    let not_pending = Refusal::from(OrderError::NotPending);
    let confirmed = Shop::with_confirmed_order();
    assert_eq!(confirmed.start_payment(payment(2), minute(7)), Err(not_pending.clone()));

    let mut cancelled = Shop::with_order();
    cancelled.take(cancelled.cancel(&CancelReason::Customer(None), minute(1)));
    assert_eq!(cancelled.start_payment(payment(1), minute(2)), Err(not_pending.clone()));

    let mut expired = Shop::with_order();
    expired.take(expired.expire(minute(15)));
    assert_eq!(expired.start_payment(payment(1), minute(16)), Err(not_pending));
}
