//! Refused and unanswered requests are retried, with growing waits and not for ever.

use chrono::TimeDelta;

use super::{
    Fact, PaymentCommand, PaymentDetails, PaymentError, PaymentEvent, attempt, authorized, by_card,
    capture_requested, captured, given, now, refund_requested, refunded, usd,
};
use crate::Timestamp;
use crate::fixtures::minute;
use crate::payment::{Call, SILENCES_MAX, TRIES_MAX};

/// The first wait.
const FIRST: TimeDelta = TimeDelta::seconds(1);

fn unknown() -> PaymentEvent {
    PaymentEvent::OutcomeUnknown { at: minute(1) }
}

fn refund_failed(request: u32) -> PaymentEvent {
    PaymentEvent::RefundFailed { request, reason: "try later".into(), at: minute(5) }
}

fn capture_failed(request: u32) -> PaymentEvent {
    PaymentEvent::CaptureFailed { request, reason: "try later".into(), at: minute(3) }
}

fn void_requested() -> PaymentEvent {
    PaymentEvent::VoidRequested { at: minute(4) }
}

fn void_failed() -> PaymentEvent {
    PaymentEvent::VoidFailed { reason: "try later".into(), at: minute(5) }
}

fn scheduled(due_at: Timestamp) -> PaymentEvent {
    PaymentEvent::FollowUpScheduled { due_at, at: now() }
}

fn followed_up(again: Vec<Call>) -> PaymentEvent {
    PaymentEvent::FollowedUp { again, at: now() }
}

fn needs_attention(reason: &str) -> PaymentEvent {
    PaymentEvent::NeedsAttention { reason: reason.into(), at: now() }
}

/// Plans the next try of a payment with these events.
fn plan(events: &[PaymentEvent]) -> Vec<PaymentEvent> {
    attempt(events).plan_follow_up(FIRST, now())
}

/// Plans and fails again, until the payment is flagged for a person.
fn fail_until_flagged(
    mut events: Vec<PaymentEvent>,
    refusal: impl Fn(&PaymentDetails) -> Fact,
) -> PaymentDetails {
    let mut payment = attempt(&events);
    for _ in 0..20 {
        events.extend(payment.record(&refusal(&payment), now()));
        events.extend(plan(&events));
        payment = attempt(&events);
        let due = payment.follow_up_at.unwrap_or(now());
        events.extend(payment.follow_up(due));
        payment = attempt(&events);
    }
    payment
}

#[test]
fn waits_after_missing_answers_double_up_to_an_hour() {
    for (silences, seconds) in [(1, 1), (2, 2), (3, 4), (8, 128), (13, 3600), (SILENCES_MAX, 3600)]
    {
        let mut events = by_card([]);
        events.extend((0..silences).map(|_| unknown()));
        assert_eq!(plan(&events), [scheduled(now() + TimeDelta::seconds(seconds))], "{silences}");
    }
}

#[test]
fn a_payment_without_answers_for_a_day_needs_attention() {
    let mut events = by_card([]);
    events.extend((0..=SILENCES_MAX).map(|_| unknown()));
    assert_eq!(plan(&events), [needs_attention("the provider does not answer")]);
    events.push(needs_attention("the provider does not answer"));
    assert_eq!(plan(&events), []);
}

#[test]
fn nothing_is_planned_twice_or_without_need() {
    assert_eq!(plan(&by_card([])), []);
    assert_eq!(plan(&by_card([unknown(), scheduled(minute(11))])), []);
    assert_eq!(plan(&by_card([unknown(), authorized()])), [], "it has reported since");
}

#[test]
fn a_call_without_an_answer_is_repeated_unchanged() {
    let due = || scheduled(now());
    for (events, again) in [
        (by_card([unknown(), due()]), vec![Call::Create]),
        (by_card([authorized(), capture_requested(1, 3400), due()]), vec![Call::Capture(1)]),
        (by_card([authorized(), void_requested(), due()]), vec![Call::Void]),
        (
            by_card([captured("ch_1", 3400, None), refund_requested(1, 400), due()]),
            vec![Call::Refund(1)],
        ),
        (by_card([unknown(), authorized(), due()]), vec![]),
    ] {
        given(&events).when(PaymentCommand::FollowUp).then_expect_events(vec![followed_up(again)]);
    }
}

#[test]
fn no_call_is_repeated_before_its_time() {
    let early = by_card([unknown(), scheduled(minute(11))]);
    given(&early).when(PaymentCommand::FollowUp).then_expect_events(vec![]);
    given(&by_card([unknown()])).when(PaymentCommand::FollowUp).then_expect_events(vec![]);
}

#[test]
fn a_refused_request_is_made_again_under_another_number() {
    let paid = captured("ch_1", 3400, None);
    let (at, due) = (now(), || scheduled(now()));
    for (events, anew) in [
        (
            by_card([paid, refund_requested(1, 400), refund_failed(1), due()]),
            PaymentEvent::RefundRequested { request: 2, amount: usd(400), at },
        ),
        (
            by_card([authorized(), capture_requested(1, 3400), capture_failed(1), due()]),
            PaymentEvent::CaptureRequested { request: 2, amount: usd(3400), at },
        ),
        (
            by_card([authorized(), void_requested(), void_failed(), due()]),
            PaymentEvent::VoidRequested { at },
        ),
    ] {
        let expected = vec![followed_up(vec![]), anew];
        given(&events).when(PaymentCommand::FollowUp).then_expect_events(expected.clone());
        let after = [events, expected].concat();
        given(&after).when(PaymentCommand::FollowUp).then_expect_events(vec![]);
    }
}

#[test]
fn the_wait_grows_after_each_refusal() {
    let refused = |seconds| vec![scheduled(now() + TimeDelta::seconds(seconds))];
    let paid = || captured("ch_1", 3400, None);
    let once = by_card([paid(), refund_requested(1, 400), refund_failed(1)]);
    assert_eq!(plan(&once), refused(32));
    let mut twice = once;
    twice.extend([followed_up(vec![]), refund_requested(2, 400), refund_failed(2)]);
    assert_eq!(plan(&twice), refused(64));
}

#[test]
fn an_amount_that_waits_for_a_retry_cannot_be_requested_by_staff() {
    let waits = by_card([captured("ch_1", 3400, None), refund_requested(1, 400), refund_failed(1)]);
    assert_eq!(attempt(&waits).refund_pending(), 400);
    given(&waits)
        .when(PaymentCommand::RequestRefund { amount: Some(usd(3001)) })
        .then_expect_error(PaymentError::ExceedsCaptured { most: usd(3000), wanted: usd(3001) });
    let waits = by_card([authorized(), capture_requested(1, 3400), capture_failed(1)]);
    given(&waits)
        .when(PaymentCommand::RequestCapture { amount: None })
        .then_expect_error(PaymentError::NotCapturable);
}

#[test]
fn a_retry_requests_at_most_the_remaining_amount() {
    let events = by_card([
        captured("ch_1", 3400, None),
        refund_requested(1, 3400),
        refund_failed(1),
        refunded("re_by_hand", 3000, None),
        scheduled(now()),
    ]);
    given(&events).when(PaymentCommand::FollowUp).then_expect_events(vec![
        followed_up(vec![]),
        PaymentEvent::RefundRequested { request: 2, amount: usd(400), at: now() },
    ]);
}

#[test]
fn a_voided_payment_is_not_captured_later() {
    let (requested, refused) = (capture_requested(1, 3400), capture_failed(1));
    let events = by_card([authorized(), requested, refused, void_requested(), scheduled(now())]);
    let expected = vec![followed_up(vec![Call::Void])];
    given(&events).when(PaymentCommand::FollowUp).then_expect_events(expected);
}

#[test]
fn after_enough_refusals_it_is_flagged_for_a_person_who_can_retry() {
    let paid = by_card([captured("ch_1", 3400, None), refund_requested(1, 3400)]);
    let payment = fail_until_flagged(paid, |payment| Fact::RefundFailed {
        request: *payment.refund_requests.last_key_value().unwrap().0,
        reason: "try later".into(),
    });
    assert_eq!(payment.refund_requests.len(), TRIES_MAX as usize);
    let reason = "the money cannot be refunded: try later";
    assert_eq!(payment.needs_attention.as_deref(), Some(reason));
    assert_eq!((payment.refund_pending(), payment.refundable()), (0, 3400));

    let held = by_card([authorized(), capture_requested(1, 3400)]);
    let payment = fail_until_flagged(held, |payment| Fact::CaptureFailed {
        request: *payment.capture_requests.last_key_value().unwrap().0,
        reason: "try later".into(),
    });
    assert_eq!(payment.capture_requests.len(), TRIES_MAX as usize);
    let reason = "the money cannot be captured: try later";
    assert_eq!(payment.needs_attention.as_deref(), Some(reason));
    assert_eq!(payment.capturable(), 3400);

    let held = by_card([authorized(), void_requested()]);
    let refusal = |_: &PaymentDetails| Fact::VoidFailed { reason: "try later".into() };
    let payment = fail_until_flagged(held, refusal);
    assert_eq!(payment.void.tries, TRIES_MAX);
    let reason = "the money cannot be voided: try later";
    assert_eq!(payment.needs_attention.as_deref(), Some(reason));
}

#[test]
fn an_order_that_ends_while_the_outcome_is_unknown_is_flagged_for_a_person() {
    let reason = "the order ended while the outcome of its payment is unknown";
    given(&by_card([unknown()]))
        .when(PaymentCommand::FlagUnknown)
        .then_expect_events(vec![needs_attention(reason)]);
    for known in [by_card([]), by_card([unknown(), authorized()])] {
        given(&known).when(PaymentCommand::FlagUnknown).then_expect_events(vec![]);
    }
}
