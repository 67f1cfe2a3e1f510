//! The status is derived from the amounts, and so is what the order records.

use super::{
    PaymentEvent, attempt, authorized, by_card, capture_requested, captured, failed,
    refund_requested, refunded, usd,
};
use crate::fixtures::minute;
use crate::order::PaymentOutcome;
use crate::payment::PaymentStatus;

fn processing() -> PaymentEvent {
    PaymentEvent::Processing { reference: "pi_1".into(), at: minute(1) }
}

fn action_required() -> PaymentEvent {
    PaymentEvent::ActionRequired { reference: "pi_1".into(), url: None, at: minute(1) }
}

fn unknown() -> PaymentEvent {
    PaymentEvent::OutcomeUnknown { at: minute(1) }
}

fn voided() -> PaymentEvent {
    PaymentEvent::Voided { amount: usd(3400), at: minute(4) }
}

fn expired() -> PaymentEvent {
    PaymentEvent::Expired { at: minute(4) }
}

fn disputed() -> PaymentEvent {
    let (object, amount) = ("dp_1".into(), usd(3400));
    PaymentEvent::DisputeOpened { object, amount, at: minute(6) }
}

fn dispute_won() -> PaymentEvent {
    PaymentEvent::DisputeWon { object: "dp_1".into(), at: minute(7) }
}

fn dispute_lost() -> PaymentEvent {
    PaymentEvent::DisputeLost { object: "dp_1".into(), at: minute(7) }
}

#[test]
fn the_status_is_that_of_the_first_true_condition() {
    let paid = || captured("ch_1", 3400, None);
    let partly = || captured("ch_1", 1000, None);
    let cancelled = PaymentEvent::Cancelled { at: minute(2) };
    for (events, status) in [
        (by_card([]), PaymentStatus::Pending),
        (by_card([action_required()]), PaymentStatus::RequiresAction),
        (by_card([action_required(), processing()]), PaymentStatus::Processing),
        (by_card([processing(), unknown()]), PaymentStatus::Unknown),
        (by_card([unknown(), failed()]), PaymentStatus::Failed),
        (by_card([failed(), unknown()]), PaymentStatus::Failed),
        (by_card([authorized(), unknown()]), PaymentStatus::Authorized),
        (by_card([failed(), authorized()]), PaymentStatus::Authorized),
        (by_card([authorized(), capture_requested(1, 3400)]), PaymentStatus::Authorized),
        (by_card([authorized(), expired()]), PaymentStatus::Expired),
        (by_card([cancelled]), PaymentStatus::Cancelled),
        (by_card([authorized(), voided()]), PaymentStatus::Cancelled),
        (by_card([authorized(), partly()]), PaymentStatus::PartiallyCaptured),
        (by_card([authorized(), partly(), voided()]), PaymentStatus::Captured),
        (by_card([authorized(), paid()]), PaymentStatus::Captured),
        (by_card([paid(), refund_requested(1, 3400)]), PaymentStatus::Captured),
        (by_card([paid(), refunded("re_1", 3399, None)]), PaymentStatus::PartiallyRefunded),
        (by_card([partly(), refunded("re_1", 1000, None)]), PaymentStatus::Refunded),
        (by_card([paid(), refunded("re_1", 3400, None)]), PaymentStatus::Refunded),
        (by_card([paid(), refunded("re_1", 3400, None), disputed()]), PaymentStatus::Disputed),
        (by_card([paid(), disputed(), dispute_won()]), PaymentStatus::Captured),
        (by_card([paid(), dispute_won(), disputed()]), PaymentStatus::Captured),
        (by_card([paid(), dispute_lost()]), PaymentStatus::Disputed),
        (by_card([paid(), dispute_lost(), disputed()]), PaymentStatus::Disputed),
    ] {
        assert_eq!(attempt(&events).status(), status, "{events:?}");
    }
}

#[test]
fn a_payment_is_open_while_it_can_still_succeed() {
    for (events, open) in [
        (by_card([]), true),
        (by_card([unknown()]), true),
        (by_card([processing()]), true),
        (by_card([authorized()]), true),
        (by_card([captured("ch_1", 3400, None)]), true),
        (by_card([failed()]), false),
        (by_card([authorized(), voided()]), false),
        (by_card([authorized(), expired()]), false),
    ] {
        let payment = attempt(&events);
        assert_eq!(payment.is_open(), open, "{events:?}");
        assert_eq!(payment.outcome().closed, !open);
    }
}

#[test]
fn the_order_records_cumulative_amounts() {
    let events = by_card([authorized(), captured("ch_1", 1000, None), disputed()]);
    let outcome =
        PaymentOutcome { authorized: 3400, captured: 1000, closed: false, disputed: true };
    assert_eq!(attempt(&events).outcome(), outcome);
}

#[test]
fn pending_amounts_are_neither_capturable_nor_refundable() {
    let payment = attempt(&by_card([
        authorized(),
        capture_requested(1, 1000),
        captured("ch_1", 1000, Some(1)),
        capture_requested(2, 2000),
        refund_requested(1, 300),
        refunded("re_1", 300, Some(1)),
        refund_requested(2, 200),
    ]));
    assert_eq!(
        [payment.captured(), payment.capture_pending(), payment.capturable()],
        [1000, 2000, 400]
    );
    assert_eq!(
        [payment.refunded(), payment.refund_pending(), payment.refundable()],
        [300, 200, 500]
    );
}
