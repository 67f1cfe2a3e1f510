//! Authorised money is held for a limited time.

use super::{
    CaptureMode, Fact, PaymentCommand, PaymentError, PaymentEvent, PaymentMethod, attempt,
    captured, given, now, usd,
};
use crate::Timestamp;
use crate::fixtures::{minute, order_id};
use crate::payment::PaymentStatus;

fn held(capture: CaptureMode, expires_at: Timestamp) -> Vec<PaymentEvent> {
    vec![
        PaymentEvent::Initiated {
            order: order_id(1),
            amount: usd(3400),
            method: PaymentMethod::Card,
            capture,
            source: "tok_visa".into(),
            at: minute(0),
        },
        PaymentEvent::Authorized {
            reference: "pi_1".into(),
            amount: usd(3400),
            expires_at: Some(expires_at),
            at: minute(1),
        },
    ]
}

fn expiring() -> PaymentEvent {
    PaymentEvent::AuthorizationExpiring { expires_at: minute(11), at: now() }
}

fn check(events: &[PaymentEvent], expected: Vec<PaymentEvent>) {
    given(events).when(PaymentCommand::EndHold).then_expect_events(expected);
}

#[test]
fn with_automatic_capture_the_remaining_amount_is_requested() {
    let mut events = held(CaptureMode::Automatic, minute(11));
    for request in 1..=5 {
        let (amount, at) = (usd(3400), minute(2));
        let reason = String::from("try later");
        events.push(PaymentEvent::CaptureRequested { request, amount, at });
        events.push(PaymentEvent::CaptureFailed { request, reason, at });
    }
    let again = PaymentEvent::CaptureRequested { request: 6, amount: usd(3400), at: now() };
    check(&events, vec![expiring(), again]);
}

#[test]
fn with_manual_capture_the_payment_is_flagged_for_a_person() {
    let reason = String::from("its authorisation expires soon: capture or void it");
    let flagged = PaymentEvent::NeedsAttention { reason, at: now() };
    for capture in [CaptureMode::Manual, CaptureMode::Automatic] {
        check(&held(capture, minute(11)), vec![expiring(), flagged.clone()]);
    }
}

#[test]
fn an_amount_with_a_pending_capture_or_void_is_not_flagged() {
    for asked in [
        PaymentEvent::VoidRequested { at: minute(2) },
        PaymentEvent::CaptureRequested { request: 1, amount: usd(3400), at: minute(2) },
    ] {
        let mut events = held(CaptureMode::Manual, minute(11));
        events.push(asked);
        check(&events, vec![expiring()]);
    }
}

#[test]
fn after_a_partial_capture_the_remaining_amount_is_still_held() {
    let mut events = held(CaptureMode::Manual, minute(11));
    let fact = |cents| Fact::Captured { object: "ch_1".into(), amount: usd(cents), request: None };
    let captured = |cents| PaymentEvent::Captured {
        object: "ch_1".into(),
        amount: usd(cents),
        request: None,
        at: now(),
    };
    let rest = PaymentEvent::RestHeld { expires_at: minute(11), at: now() };
    assert_eq!(attempt(&events).record(&fact(1000), now()), [captured(1000), rest]);
    assert_eq!(attempt(&events).record(&fact(3400), now()), [captured(3400)]);
    events.push(captured(1000));
    let reason = String::from("its authorisation expires soon: capture or void it");
    check(&events, vec![expiring(), PaymentEvent::NeedsAttention { reason, at: now() }]);
}

#[test]
fn the_coming_expiry_is_noticed_once() {
    let mut events = held(CaptureMode::Manual, minute(11));
    events.push(expiring());
    check(&events, vec![]);
    events.push(PaymentEvent::Authorized {
        reference: "pi_1".into(),
        amount: usd(3400),
        expires_at: Some(minute(12)),
        at: minute(9),
    });
    assert!(!attempt(&events).expiry_noticed, "it was made longer");
}

#[test]
fn at_its_end_the_authorisation_has_expired_even_without_a_report() {
    let over = held(CaptureMode::Manual, minute(10));
    check(&over, vec![PaymentEvent::Expired { at: now() }]);
    let payment = attempt(&over);
    assert_eq!(payment.status_at(minute(9)), PaymentStatus::Authorized);
    assert_eq!(payment.status_at(minute(10)), PaymentStatus::Expired);
    given(&over)
        .when(PaymentCommand::RequestCapture { amount: None })
        .then_expect_error(PaymentError::NotCapturable);
}

#[test]
fn captured_or_released_money_does_not_expire() {
    for end in [
        captured("ch_1", 3400, None),
        PaymentEvent::Voided { amount: usd(3400), at: minute(2) },
        PaymentEvent::Expired { at: minute(2) },
    ] {
        let mut events = held(CaptureMode::Manual, minute(10));
        events.push(end.clone());
        check(&events, vec![]);
        assert_eq!(attempt(&events).authorization_expires_at, None);

        // The result is the same for both orders of the reports.
        let authorized = Fact::Authorized {
            reference: "pi_1".into(),
            amount: usd(3400),
            expires_at: Some(minute(10)),
        };
        let ended = [events[0].clone(), end];
        for event in attempt(&ended).record(&authorized, now()) {
            let PaymentEvent::Authorized { expires_at, .. } = event else { continue };
            assert_eq!(expires_at, None);
        }
    }
}
