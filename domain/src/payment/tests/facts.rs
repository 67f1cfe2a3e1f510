//! Facts from the provider: a fact that is received twice counts once, and no fact is refused.

use super::{
    Fact, MoneyRequest, PaymentCommand, PaymentEvent, attempt, authorized, by_card,
    capture_requested, captured, eur, failed, given, now, refund_requested, refunded, usd,
};
use crate::Money;
use crate::fixtures::minute;

fn check<const N: usize>(before: Vec<PaymentEvent>, fact: Fact, events: [PaymentEvent; N]) {
    given(&before).when(PaymentCommand::Record(fact)).then_expect_events(events.into());
}

fn authorized_fact(amount: Money) -> Fact {
    Fact::Authorized { reference: "pi_1".into(), amount, expires_at: None }
}

fn captured_fact(object: &str, amount: Money, request: Option<u32>) -> Fact {
    Fact::Captured { object: object.into(), amount, request }
}

fn refunded_fact(object: &str, amount: Money, request: Option<u32>) -> Fact {
    Fact::Refunded { object: object.into(), amount, request }
}

fn needs_attention(reason: &str) -> PaymentEvent {
    PaymentEvent::NeedsAttention { reason: reason.into(), at: now() }
}

#[test]
fn a_fact_becomes_an_event_only_if_it_changes_something() {
    let (reference, at) = (|| String::from("pi_1"), now());
    let reason = || String::from("declined");
    let pending = by_card([
        authorized(),
        capture_requested(1, 3400),
        refund_requested(1, 3400),
        PaymentEvent::VoidRequested { at: minute(2) },
    ]);
    let url = Some(String::from("https://bank.example/3ds"));
    for (fact, event) in [
        (
            Fact::Processing { reference: reference() },
            PaymentEvent::Processing { reference: reference(), at },
        ),
        (
            Fact::ActionRequired { reference: reference(), url: url.clone() },
            PaymentEvent::ActionRequired { reference: reference(), url, at },
        ),
        (
            Fact::Authorized {
                reference: reference(),
                amount: usd(3400),
                expires_at: Some(minute(9_000)),
            },
            PaymentEvent::Authorized {
                reference: reference(),
                amount: usd(3400),
                expires_at: Some(minute(9_000)),
                at,
            },
        ),
        (
            captured_fact("ch_1", usd(3400), Some(1)),
            PaymentEvent::Captured {
                object: "ch_1".into(),
                amount: usd(3400),
                request: Some(1),
                at,
            },
        ),
        (
            Fact::CaptureFailed { request: 1, reason: reason() },
            PaymentEvent::CaptureFailed { request: 1, reason: reason(), at },
        ),
        (Fact::Cancelled, PaymentEvent::Voided { amount: usd(3400), at }),
        (Fact::VoidFailed { reason: reason() }, PaymentEvent::VoidFailed { reason: reason(), at }),
        (
            refunded_fact("re_1", usd(3400), Some(1)),
            PaymentEvent::Refunded {
                object: "re_1".into(),
                amount: usd(3400),
                request: Some(1),
                at,
            },
        ),
        (
            Fact::RefundFailed { request: 1, reason: reason() },
            PaymentEvent::RefundFailed { request: 1, reason: reason(), at },
        ),
        (Fact::Failed { reason: reason() }, PaymentEvent::Failed { reason: reason(), at }),
        (Fact::Expired, PaymentEvent::Expired { at }),
        (
            Fact::DisputeOpened { object: "dp_1".into(), amount: usd(3400) },
            PaymentEvent::DisputeOpened { object: "dp_1".into(), amount: usd(3400), at },
        ),
        (
            Fact::DisputeWon { object: "dp_1".into() },
            PaymentEvent::DisputeWon { object: "dp_1".into(), at },
        ),
        (
            Fact::DisputeLost { object: "dp_1".into() },
            PaymentEvent::DisputeLost { object: "dp_1".into(), at },
        ),
    ] {
        check(pending.clone(), fact.clone(), [event.clone()]);
        let mut known = pending.clone();
        known.push(event);
        check(known, fact, []);
    }
}

#[test]
fn before_anything_was_authorised_it_is_cancelled_not_voided() {
    check(by_card([]), Fact::Cancelled, [PaymentEvent::Cancelled { at: now() }]);
}

#[test]
fn a_void_releases_only_money_that_is_not_captured() {
    let partly = by_card([authorized(), captured("ch_1", 1000, None)]);
    let voided = PaymentEvent::Voided { amount: usd(2400), at: now() };
    check(partly.clone(), Fact::Cancelled, [voided.clone()]);
    assert_eq!(attempt(&partly).voided(), 0);
    let mut after = partly;
    after.push(voided);
    assert_eq!(attempt(&after).voided(), 2400);
}

#[test]
fn amounts_of_one_object_are_cumulative_and_never_added() {
    let payment = attempt(&by_card([
        captured("ch_1", 1000, None),
        captured("ch_1", 3000, None),
        captured("ch_1", 2000, None),
        captured("ch_2", 400, None),
        refunded("re_1", 100, None),
        refunded("re_1", 300, None),
    ]));
    assert_eq!(payment.captured(), 3400);
    assert_eq!(payment.refunded(), 300);
    assert_eq!(payment.authorized, 3400, "a capture implies its authorisation");
}

#[test]
fn money_that_does_not_fit_the_order_needs_a_person_and_is_never_counted() {
    for (fact, reason) in [
        (authorized_fact(usd(3399)), "33.99 USD was authorised, but the order is for 34.00 USD"),
        (authorized_fact(usd(3401)), "34.01 USD was authorised, but the order is for 34.00 USD"),
        (authorized_fact(eur(3400)), "34.00 EUR was authorised, but the order is for 34.00 USD"),
        (
            captured_fact("ch_1", usd(3401), None),
            "34.01 USD was captured, but the order is for 34.00 USD",
        ),
        (
            captured_fact("ch_1", eur(1), None),
            "0.01 EUR was captured, but the order is for 34.00 USD",
        ),
        (
            refunded_fact("re_1", usd(-1), None),
            "-0.01 USD was refunded, but the order is for 34.00 USD",
        ),
    ] {
        check(by_card([]), fact.clone(), [needs_attention(reason)]);
        let flagged = by_card([needs_attention(reason)]);
        let payment = attempt(&flagged);
        assert_eq!(payment.needs_attention.as_deref(), Some(reason));
        assert_eq!((payment.authorized, payment.captured(), payment.refunded()), (0, 0, 0));
        check(flagged, fact, []);
    }
}

#[test]
fn every_reason_for_attention_is_recorded_once() {
    let (a, b) = ("1.00 USD was authorised", "9.00 USD was captured");
    for events in [
        [needs_attention(a), needs_attention(b), needs_attention(a)],
        [needs_attention(b), needs_attention(a), needs_attention(b)],
    ] {
        let reasons = "1.00 USD was authorised; 9.00 USD was captured";
        assert_eq!(attempt(&by_card(events)).needs_attention.as_deref(), Some(reasons));
    }
}

#[test]
fn attention_is_resolved_once() {
    let resolve = || PaymentCommand::ResolveAttention;
    let resolved = PaymentEvent::AttentionResolved { at: now() };
    let flagged = by_card([needs_attention("odd")]);
    given(&flagged).when(resolve()).then_expect_events(vec![resolved.clone()]);
    let after = by_card([needs_attention("odd"), resolved]);
    given(&after).when(resolve()).then_expect_events(vec![]);
    assert_eq!(attempt(&after).needs_attention, None);
}

#[test]
fn money_that_moved_outweighs_the_failure_of_its_request() {
    let failed = |request| PaymentEvent::CaptureFailed {
        request,
        reason: "try later".into(),
        at: minute(3),
    };
    let asked_at = minute(2);
    let done =
        MoneyRequest { amount: 3400, asked_at, pending: false, failure: None, retried: false };
    for events in
        [[captured("ch_1", 3400, Some(1)), failed(1)], [failed(1), captured("ch_1", 3400, Some(1))]]
    {
        let [first, second] = events;
        let payment = attempt(&by_card([capture_requested(1, 3400), first, second]));
        assert_eq!(payment.capture_requests[&1], done);
    }
    let payment = attempt(&by_card([capture_requested(1, 3400), failed(1), failed(2)]));
    assert_eq!(payment.capture_requests[&1].failure.as_deref(), Some("try later"));
    assert_eq!(payment.capture_requests.len(), 1);
}

#[test]
fn a_missing_answer_counts_only_while_nothing_is_reported() {
    check(by_card([]), Fact::Unknown, [PaymentEvent::OutcomeUnknown { at: minute(10) }]);
    let known = PaymentEvent::Processing { reference: "pi_1".into(), at: minute(2) };
    check(by_card([known]), Fact::Unknown, []);
}

#[test]
fn any_report_of_the_provider_ends_the_unknown_outcome() {
    let unknown = PaymentEvent::OutcomeUnknown { at: minute(1) };
    assert_eq!(attempt(&by_card([unknown.clone()])).silences, 1);
    let reference = String::from("pi_1");
    let known = PaymentEvent::Processing { reference: reference.clone(), at: minute(2) };
    let events = by_card([known.clone(), unknown]);
    check(
        events.clone(),
        Fact::Processing { reference: reference.clone() },
        [PaymentEvent::Processing { reference, at: now() }],
    );
    let mut reasons = events;
    reasons.push(known);
    assert_eq!(attempt(&reasons).silences, 0);
}

#[test]
fn a_dispute_and_a_refund_of_one_payment_are_both_recorded_and_need_a_person() {
    let disputed = Fact::DisputeOpened { object: "dp_1".into(), amount: usd(3400) };
    let refunded = refunded_fact("re_1", usd(3400), None);
    for facts in [[refunded.clone(), disputed.clone()], [disputed, refunded]] {
        let mut events = by_card([authorized(), captured("ch_1", 3400, None)]);
        for fact in facts {
            events.extend(attempt(&events).record(&fact, now()));
        }
        let payment = attempt(&events);
        assert_eq!((payment.refunded(), payment.disputed()), (3400, 3400));
        assert_eq!(payment.refundable(), 0, "nothing is below nothing");
        let reason = "it is disputed, and money was refunded as well";
        assert_eq!(payment.needs_attention.as_deref(), Some(reason));
    }
}

#[test]
fn a_disputed_amount_is_not_refunded_too() {
    let opened = |cents| PaymentEvent::DisputeOpened {
        object: "dp_1".into(),
        amount: usd(cents),
        at: minute(4),
    };
    let (won, lost) = (
        PaymentEvent::DisputeWon { object: "dp_1".into(), at: minute(5) },
        PaymentEvent::DisputeLost { object: "dp_1".into(), at: minute(5) },
    );
    let paid = || captured("ch_1", 3400, None);
    for (events, refundable, charged_back) in [
        (by_card([paid(), opened(1000)]), 2400, 0),
        (by_card([paid(), opened(3400)]), 0, 0),
        (by_card([paid(), opened(3400), won.clone()]), 3400, 0),
        (by_card([paid(), won, opened(3400)]), 3400, 0),
        (by_card([paid(), opened(1000), lost.clone()]), 2400, 1000),
        (by_card([paid(), lost, opened(1000)]), 2400, 1000),
    ] {
        let payment = attempt(&events);
        assert_eq!((payment.refundable(), payment.charged_back()), (refundable, charged_back));
    }
}

#[test]
fn a_payment_that_failed_can_still_succeed() {
    let events = by_card([failed()]);
    assert!(!attempt(&events).is_open());
    let at = now();
    check(
        events,
        authorized_fact(usd(3400)),
        [PaymentEvent::Authorized {
            reference: "pi_1".into(),
            amount: usd(3400),
            expires_at: None,
            at,
        }],
    );
}
