//! What follows from an event, as a table.

use uuid::Uuid;

use super::{Deadline, DeadlineChange, Effect, Reaction, deadline, effect, react};
use crate::cart::CartEvent;
use crate::fixtures::{minute, order_id, payment_id, placed, usd};
use crate::order::{CancelReason, OrderEvent};
use crate::payment::{CaptureMode, Method, PaymentEvent};
use crate::{Event, Kind, StreamId};

fn payment_events() -> Vec<PaymentEvent> {
    let (at, amount, request) = (minute(1), usd(3400), 1);
    let (reference, object, reason) =
        (|| "pi_1".to_owned(), || "obj_1".to_owned(), || "declined".to_owned());
    let initiated = |method| PaymentEvent::Initiated {
        order: order_id(1),
        amount,
        method,
        capture: CaptureMode::Automatic,
        source: "tok_visa".into(),
        at,
    };
    vec![
        initiated(Method::Card),
        initiated(Method::CashOnDelivery),
        PaymentEvent::ActionRequired { reference: reference(), url: None, at },
        PaymentEvent::Processing { reference: reference(), at },
        PaymentEvent::Authorized { reference: reference(), amount, expires_at: None, at },
        PaymentEvent::CaptureRequested { request, amount, at },
        PaymentEvent::Captured { object: object(), amount, request: None, at },
        PaymentEvent::CaptureFailed { request, reason: reason(), at },
        PaymentEvent::Cancelled { at },
        PaymentEvent::VoidRequested { at },
        PaymentEvent::VoidFailed { reason: reason(), at },
        PaymentEvent::Voided { amount, at },
        PaymentEvent::RefundRequested { request, amount, at },
        PaymentEvent::Refunded { object: object(), amount, request: None, at },
        PaymentEvent::RefundFailed { request, reason: reason(), at },
        PaymentEvent::Failed { reason: reason(), at },
        PaymentEvent::Expired { at },
        PaymentEvent::OutcomeUnknown { at },
        PaymentEvent::DisputeOpened { object: object(), amount, at },
        PaymentEvent::DisputeWon { object: object(), at },
        PaymentEvent::DisputeLost { object: object(), at },
        PaymentEvent::NeedsAttention { reason: reason(), at },
    ]
}

fn order_events() -> Vec<OrderEvent> {
    let at = minute(1);
    vec![
        OrderEvent::Placed(Box::new(placed())),
        OrderEvent::PaymentStarted {
            payment: payment_id(1),
            method: Method::Card,
            amount: usd(3400),
            reserved_until: minute(35),
            at,
        },
        OrderEvent::Confirmed { at },
        OrderEvent::ProcessingStarted { at },
        OrderEvent::Delivered { lines: vec![], at },
        OrderEvent::Cancelled { reason: CancelReason::OutOfStock, at },
        OrderEvent::Expired { at },
    ]
}

/// The names of the events of which `holds` holds.
fn names(holds: impl Fn(StreamId, &Event) -> bool) -> Vec<&'static str> {
    let payments = payment_events().into_iter().map(|e| (payment_id(1).stream(), e.into()));
    let orders = order_events().into_iter().map(|e| (order_id(1).stream(), e.into()));
    let events = payments.chain(orders).filter(|(stream, event)| holds(*stream, event));
    events.map(|(_, event)| event.name()).collect()
}

#[test]
fn an_order_is_settled_whenever_what_its_payment_has_brought_may_have_changed() {
    assert_eq!(
        names(|stream, event| react(stream, event) == [Reaction::Settle(payment_id(1))]),
        [
            // Cash on delivery: no provider will speak.
            "payment.initiated",
            "payment.authorized",
            "payment.captured",
            "payment.capture_failed",
            "payment.cancelled",
            "payment.voided",
            "payment.refunded",
            "payment.failed",
            "payment.expired",
            "payment.dispute_opened",
            "payment.dispute_won",
            "payment.dispute_lost",
        ],
    );
}

#[test]
fn a_cancelled_order_unwinds_its_payments_and_an_expired_one_waits() {
    assert_eq!(
        names(|stream, event| react(stream, event) == [Reaction::UnwindPayments(order_id(1))]),
        ["order.cancelled"],
    );
}

#[test]
fn the_provider_is_asked_for_what_was_requested_and_nothing_else() {
    let effects: Vec<_> = payment_events()
        .into_iter()
        .filter_map(|event| effect(payment_id(1).stream(), &event.into()))
        .collect();
    let payment = payment_id(1);
    assert_eq!(
        effects,
        [
            Effect::Create(payment),
            Effect::Capture(payment, 1),
            Effect::Void(payment),
            Effect::Refund(payment, 1),
        ],
    );
    assert!(
        names(|stream, event| stream.kind == Kind::Order && effect(stream, event).is_some())
            .is_empty()
    );
}

#[test]
fn cash_on_delivery_is_settled_at_once_and_asks_no_provider() {
    let cash = Event::from(payment_events().remove(1));
    let stream = payment_id(1).stream();
    assert_eq!(react(stream, &cash), [Reaction::Settle(payment_id(1))]);
    assert_eq!(effect(stream, &cash), None);
    let card = Event::from(payment_events().remove(0));
    assert_eq!(react(stream, &card), []);
}

#[test]
fn an_order_has_a_deadline_until_its_waiting_ends() {
    let set = |until| Some(DeadlineChange::Set(Deadline::OrderExpiry, minute(until)));
    let cleared = Some(DeadlineChange::Clear(Deadline::OrderExpiry));
    let changes: Vec<_> = order_events()
        .into_iter()
        .map(|event| deadline(order_id(1).stream(), &event.into()))
        .collect();
    assert_eq!(changes, [set(15), set(35), cleared, None, None, cleared, cleared]);
    assert!(
        names(|stream, event| {
            stream.kind == Kind::Payment && deadline(stream, event).is_some()
        })
        .is_empty()
    );
}

#[test]
fn the_stored_name_of_a_deadline_is_read_back() {
    let expiry = Deadline::OrderExpiry;
    assert_eq!(expiry.as_str(), "order_expiry");
    assert_eq!(Deadline::parse(expiry.as_str()), Some(expiry));
    assert_eq!(Deadline::parse("tea_time"), None);
}

#[test]
fn carts_ask_for_nothing() {
    let stream = StreamId::new(Kind::Cart, Uuid::from_u128(1));
    let event = Event::from(CartEvent::CheckedOut { order: order_id(1), at: minute(1) });
    assert_eq!(react(stream, &event), []);
    assert_eq!(effect(stream, &event), None);
    assert_eq!(deadline(stream, &event), None);
}
