//! Cash on delivery: no provider is called.

use super::invalid_amount;
use super::{
    PaymentCommand, PaymentError, PaymentEvent, PaymentMethod, attempt, captured, given, initiated,
    now, refunded, usd,
};
use crate::Money;
use crate::fixtures::minute;

fn cash<const N: usize>(then: [PaymentEvent; N]) -> Vec<PaymentEvent> {
    let mut events = vec![initiated(PaymentMethod::CashOnDelivery)];
    events.extend(then);
    events
}

fn collect(amount: Option<Money>) -> PaymentCommand {
    PaymentCommand::RequestCapture { amount }
}

fn hand_back(amount: Option<Money>) -> PaymentCommand {
    PaymentCommand::RequestRefund { amount }
}

fn collected_now(cents: i64) -> PaymentEvent {
    let (object, amount) = ("cash".into(), usd(cents));
    PaymentEvent::Captured { object, amount, request: None, at: now() }
}

fn handed_back_now(object: &str, cents: i64) -> PaymentEvent {
    let (object, amount) = (object.into(), usd(cents));
    PaymentEvent::Refunded { object, amount, request: None, at: now() }
}

#[test]
fn cash_is_collected_once() {
    given(&cash([])).when(collect(None)).then_expect_events(vec![collected_now(3400)]);
    given(&cash([])).when(collect(Some(usd(3000)))).then_expect_events(vec![collected_now(3000)]);
    given(&cash([captured("cash", 3000, None)]))
        .when(collect(None))
        .then_expect_error(PaymentError::NotCapturable);
    given(&cash([PaymentEvent::Cancelled { at: minute(1) }]))
        .when(collect(None))
        .then_expect_error(PaymentError::NotCapturable);
}

#[test]
fn no_more_cash_is_collected_than_is_owed() {
    given(&cash([]))
        .when(collect(Some(usd(3401))))
        .then_expect_error(PaymentError::ExceedsAuthorized { most: usd(3400), wanted: usd(3401) });
    given(&cash([])).when(collect(Some(usd(0)))).then_expect_error(invalid_amount(usd(0)));
}

#[test]
fn cash_that_was_never_collected_is_simply_cancelled() {
    let cancelled = PaymentEvent::Cancelled { at: now() };
    for command in [PaymentCommand::RequestVoid, PaymentCommand::Unwind] {
        given(&cash([])).when(command).then_expect_events(vec![cancelled.clone()]);
    }
    given(&cash([cancelled])).when(PaymentCommand::RequestVoid).then_expect_events(vec![]);
}

#[test]
fn every_time_cash_is_handed_back_counts() {
    let collected = captured("cash", 3400, None);
    given(&cash([collected.clone()]))
        .when(hand_back(Some(usd(1000))))
        .then_expect_events(vec![handed_back_now("cash-1", 1000)]);
    let once = cash([collected.clone(), refunded("cash-1", 1000, None)]);
    given(&once)
        .when(hand_back(Some(usd(1000))))
        .then_expect_events(vec![handed_back_now("cash-2", 1000)]);
    given(&once)
        .when(PaymentCommand::Unwind)
        .then_expect_events(vec![handed_back_now("cash-2", 2400)]);
    let twice = [collected, refunded("cash-1", 1000, None), refunded("cash-2", 1000, None)];
    assert_eq!(attempt(&cash(twice)).refunded(), 2000);
}
