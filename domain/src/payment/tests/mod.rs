//! The rules of a payment.

mod cash;
mod facts;
mod follow_up;
mod hold;
mod requests;
mod status;

use cqrs_es::Aggregate;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::{
    CaptureMode, Fact, Payment, PaymentCommand, PaymentDetails, PaymentError, PaymentMethod,
};
use super::{MoneyRequest, PaymentEvent};
use crate::fixtures::{eur, minute, order_id, usd};
use crate::{ErrorCode, Money, Refusal, Timestamp};

fn now() -> Timestamp {
    minute(10)
}

fn given(events: &[PaymentEvent]) -> AggregateTestExecutor<Payment> {
    TestFramework::with(now()).given(events.into())
}

fn attempt(events: &[PaymentEvent]) -> PaymentDetails {
    let mut payment = Payment::default();
    events.iter().cloned().for_each(|event| payment.apply(event));
    payment.existing().unwrap().clone()
}

fn initiated(method: PaymentMethod) -> PaymentEvent {
    PaymentEvent::Initiated {
        order: order_id(1),
        amount: usd(3400),
        method,
        capture: CaptureMode::Automatic,
        source: "tok_visa".into(),
        at: minute(0),
    }
}

/// A payment of 34.00 by card, and then these events.
fn by_card<const N: usize>(then: [PaymentEvent; N]) -> Vec<PaymentEvent> {
    let mut events = vec![initiated(PaymentMethod::Card)];
    events.extend(then);
    events
}

fn authorized() -> PaymentEvent {
    let (reference, amount) = ("pi_1".into(), usd(3400));
    PaymentEvent::Authorized { reference, amount, expires_at: None, at: minute(1) }
}

fn capture_requested(request: u32, cents: i64) -> PaymentEvent {
    PaymentEvent::CaptureRequested { request, amount: usd(cents), at: minute(2) }
}

fn captured(object: &str, cents: i64, request: Option<u32>) -> PaymentEvent {
    let (object, amount) = (object.into(), usd(cents));
    PaymentEvent::Captured { object, amount, request, at: minute(3) }
}

fn refund_requested(request: u32, cents: i64) -> PaymentEvent {
    PaymentEvent::RefundRequested { request, amount: usd(cents), at: minute(4) }
}

fn refunded(object: &str, cents: i64, request: Option<u32>) -> PaymentEvent {
    let (object, amount) = (object.into(), usd(cents));
    PaymentEvent::Refunded { object, amount, request, at: minute(5) }
}

/// The error for an amount that a payment in US dollars does not accept.
fn invalid_amount(amount: Money) -> PaymentError {
    PaymentError::InvalidAmount { amount, currency: usd(0).currency }
}

fn failed() -> PaymentEvent {
    PaymentEvent::Failed { reason: "card_declined".into(), at: minute(1) }
}

#[test]
fn a_payment_is_initiated_once() {
    let initiate = |cents| PaymentCommand::Initiate {
        order: order_id(1),
        amount: usd(cents),
        method: PaymentMethod::Card,
        capture: CaptureMode::Manual,
        source: "tok_visa".into(),
    };
    given(&[]).when(initiate(3400)).then_expect_events(vec![PaymentEvent::Initiated {
        order: order_id(1),
        amount: usd(3400),
        method: PaymentMethod::Card,
        capture: CaptureMode::Manual,
        source: "tok_visa".into(),
        at: now(),
    }]);
    given(&by_card([])).when(initiate(3400)).then_expect_events(vec![]);
    for cents in [0, -1] {
        given(&[]).when(initiate(cents)).then_expect_error(invalid_amount(usd(cents)));
    }
}

#[test]
fn commands_to_a_payment_that_does_not_exist_are_refused() {
    for command in [
        PaymentCommand::Record(Fact::Cancelled),
        PaymentCommand::RequestCapture { amount: None },
        PaymentCommand::RequestVoid,
        PaymentCommand::RequestRefund { amount: None },
        PaymentCommand::Unwind,
        PaymentCommand::FollowUp,
        PaymentCommand::EndHold,
        PaymentCommand::FlagUnknown,
        PaymentCommand::ResolveAttention,
    ] {
        given(&[]).when(command).then_expect_error(PaymentError::Missing);
    }
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    for (error, code, field) in [
        (PaymentError::Missing, ErrorCode::NotFound, "paymentId"),
        (PaymentError::NotCapturable, ErrorCode::PaymentNotCapturable, "paymentId"),
        (PaymentError::NotVoidable, ErrorCode::PaymentNotVoidable, "paymentId"),
        (PaymentError::NotRefundable, ErrorCode::PaymentNotRefundable, "paymentId"),
        (
            PaymentError::ExceedsAuthorized { most: usd(1), wanted: usd(2) },
            ErrorCode::AmountExceedsAuthorized,
            "amount",
        ),
        (
            PaymentError::ExceedsCaptured { most: usd(1), wanted: usd(2) },
            ErrorCode::AmountExceedsCaptured,
            "amount",
        ),
        (invalid_amount(usd(0)), ErrorCode::InvalidAmount, "amount"),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}

#[test]
fn every_method_has_a_name_that_is_stored() {
    for (method, name) in [
        (PaymentMethod::Card, "CARD"),
        (PaymentMethod::Upi, "UPI"),
        (PaymentMethod::NetBanking, "NET_BANKING"),
        (PaymentMethod::CashOnDelivery, "CASH_ON_DELIVERY"),
    ] {
        assert_eq!(serde_json::to_value(method).unwrap(), name);
        assert_eq!(serde_json::from_value::<PaymentMethod>(name.into()).unwrap(), method);
    }
}
