//! Requests to the provider: never more than is authorised or captured.

use super::invalid_amount;
use super::{
    PaymentCommand, PaymentError, PaymentEvent, authorized, by_card, capture_requested, captured,
    eur, failed, given, now, refund_requested, refunded, usd,
};
use crate::Money;
use crate::fixtures::minute;

fn capture(amount: Option<Money>) -> PaymentCommand {
    PaymentCommand::RequestCapture { amount }
}

fn refund(amount: Option<Money>) -> PaymentCommand {
    PaymentCommand::RequestRefund { amount }
}

fn capture_requested_now(request: u32, cents: i64) -> PaymentEvent {
    PaymentEvent::CaptureRequested { request, amount: usd(cents), at: now() }
}

fn refund_requested_now(request: u32, cents: i64) -> PaymentEvent {
    PaymentEvent::RefundRequested { request, amount: usd(cents), at: now() }
}

fn void_requested() -> PaymentEvent {
    PaymentEvent::VoidRequested { at: now() }
}

fn voided() -> PaymentEvent {
    PaymentEvent::Voided { amount: usd(3400), at: minute(5) }
}

fn expired() -> PaymentEvent {
    PaymentEvent::Expired { at: minute(5) }
}

#[test]
fn the_whole_authorised_amount_is_captured_unless_a_smaller_one_is_given() {
    let events = by_card([authorized()]);
    given(&events).when(capture(None)).then_expect_events(vec![capture_requested_now(1, 3400)]);
    given(&events)
        .when(capture(Some(usd(400))))
        .then_expect_events(vec![capture_requested_now(1, 400)]);
}

#[test]
fn captures_together_stay_within_what_is_authorised() {
    let pending = by_card([authorized(), capture_requested(1, 3000)]);
    given(&pending).when(capture(None)).then_expect_events(vec![capture_requested_now(2, 400)]);
    given(&pending)
        .when(capture(Some(usd(401))))
        .then_expect_error(PaymentError::ExceedsAuthorized { most: usd(400), wanted: usd(401) });
    let done = by_card([
        authorized(),
        capture_requested(1, 3000),
        captured("ch_1", 3000, Some(1)),
        capture_requested(2, 400),
    ]);
    given(&done).when(capture(None)).then_expect_error(PaymentError::NotCapturable);
}

#[test]
fn only_authorised_and_unreleased_money_is_captured() {
    for events in [
        by_card([]),
        by_card([failed()]),
        by_card([authorized(), voided()]),
        by_card([authorized(), expired()]),
    ] {
        given(&events).when(capture(None)).then_expect_error(PaymentError::NotCapturable);
    }
}

#[test]
fn amounts_must_be_positive_and_in_the_payments_currency() {
    let paid = by_card([authorized(), captured("ch_1", 3400, None)]);
    for amount in [usd(0), usd(-1), eur(1)] {
        given(&by_card([authorized()]))
            .when(capture(Some(amount)))
            .then_expect_error(invalid_amount(amount));
        given(&paid).when(refund(Some(amount))).then_expect_error(invalid_amount(amount));
    }
}

#[test]
fn only_what_is_not_captured_is_voided() {
    for events in [
        by_card([]),
        by_card([authorized()]),
        by_card([authorized(), captured("ch_1", 1000, None)]),
        by_card([authorized(), capture_requested(1, 3399)]),
    ] {
        given(&events).when(PaymentCommand::RequestVoid).then_expect_events(vec![void_requested()]);
    }
    for events in [
        by_card([authorized(), captured("ch_1", 3400, None)]),
        by_card([authorized(), capture_requested(1, 3400)]),
        by_card([authorized(), expired()]),
    ] {
        given(&events)
            .when(PaymentCommand::RequestVoid)
            .then_expect_error(PaymentError::NotVoidable);
    }
}

#[test]
fn a_void_is_requested_once_unless_it_failed() {
    let asked = PaymentEvent::VoidRequested { at: minute(2) };
    for events in [by_card([authorized(), asked.clone()]), by_card([authorized(), voided()])] {
        given(&events).when(PaymentCommand::RequestVoid).then_expect_events(vec![]);
    }
    let failed = PaymentEvent::VoidFailed { reason: "try later".into(), at: minute(3) };
    given(&by_card([authorized(), asked, failed]))
        .when(PaymentCommand::RequestVoid)
        .then_expect_events(vec![void_requested()]);
}

#[test]
fn refunds_together_stay_within_what_is_captured() {
    let paid = by_card([authorized(), captured("ch_1", 3400, None)]);
    given(&paid).when(refund(None)).then_expect_events(vec![refund_requested_now(1, 3400)]);
    given(&paid)
        .when(refund(Some(usd(400))))
        .then_expect_events(vec![refund_requested_now(1, 400)]);
    given(&paid)
        .when(refund(Some(usd(3401))))
        .then_expect_error(PaymentError::ExceedsCaptured { most: usd(3400), wanted: usd(3401) });

    let partly = [
        authorized(),
        captured("ch_1", 3400, None),
        refund_requested(1, 1000),
        refunded("re_1", 1000, Some(1)),
        refund_requested(2, 2000),
    ];
    given(&by_card(partly.clone()))
        .when(refund(None))
        .then_expect_events(vec![refund_requested_now(3, 400)]);
    given(&by_card(partly))
        .when(refund(Some(usd(401))))
        .then_expect_error(PaymentError::ExceedsCaptured { most: usd(400), wanted: usd(401) });
}

#[test]
fn only_captured_and_unrefunded_money_is_refunded() {
    for events in [
        by_card([]),
        by_card([authorized()]),
        by_card([authorized(), captured("ch_1", 3400, None), refund_requested(1, 3400)]),
        by_card([authorized(), captured("ch_1", 3400, None), refunded("re_1", 3400, None)]),
    ] {
        given(&events).when(refund(None)).then_expect_error(PaymentError::NotRefundable);
    }
}

#[test]
fn unwinding_voids_what_is_not_captured_and_refunds_what_is() {
    let part = captured("ch_1", 1000, None);
    for (events, answer) in [
        (by_card([]), vec![void_requested()]),
        (by_card([authorized()]), vec![void_requested()]),
        (
            by_card([authorized(), part.clone()]),
            vec![void_requested(), refund_requested_now(1, 1000)],
        ),
        (by_card([captured("ch_1", 3400, None)]), vec![refund_requested_now(1, 3400)]),
        (by_card([authorized(), voided(), part]), vec![refund_requested_now(1, 1000)]),
    ] {
        given(&events).when(PaymentCommand::Unwind).then_expect_events(answer);
    }
}

#[test]
fn without_remaining_money_nothing_is_unwound() {
    for events in [
        by_card([failed()]),
        by_card([authorized(), void_requested()]),
        by_card([authorized(), voided()]),
        by_card([authorized(), expired()]),
        by_card([captured("ch_1", 3400, None), refund_requested(1, 3400)]),
        by_card([captured("ch_1", 3400, None), refunded("re_1", 3400, None)]),
    ] {
        given(&events).when(PaymentCommand::Unwind).then_expect_events(vec![]);
    }
}
