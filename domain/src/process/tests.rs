//! What follows from an event, as a table.

use uuid::Uuid;

use super::{Deadline, DeadlineChange, Effect, Reaction, deadline, effects, react};
use crate::cart::CartEvent;
use crate::fixtures::{minute, order_id, payment_id, placed, usd};
use crate::order::{CancelReason, OrderEvent};
use crate::payment::{Call, CaptureMode, PaymentEvent, PaymentMethod};
use crate::stored_name;
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
        initiated(PaymentMethod::Card),
        initiated(PaymentMethod::CashOnDelivery),
        PaymentEvent::ActionRequired { reference: reference(), url: None, at },
        PaymentEvent::Processing { reference: reference(), at },
        PaymentEvent::Authorized {
            reference: reference(),
            amount,
            expires_at: Some(minute(9)),
            at,
        },
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
        PaymentEvent::AttentionResolved { at },
        PaymentEvent::FollowUpScheduled { due_at: minute(5), at },
        PaymentEvent::FollowedUp { again: vec![Call::Create, Call::Refund(1)], at },
        PaymentEvent::RestHeld { expires_at: minute(9), at },
        PaymentEvent::AuthorizationExpiring { expires_at: minute(9), at },
    ]
}

fn order_events() -> Vec<OrderEvent> {
    let at = minute(1);
    vec![
        OrderEvent::Placed(Box::new(placed())),
        OrderEvent::PaymentStarted {
            payment: payment_id(1),
            method: PaymentMethod::Card,
            amount: usd(3400),
            reserved_until: minute(35),
            at,
        },
        OrderEvent::Confirmed { at },
        OrderEvent::ProcessingStarted { at },
        OrderEvent::Delivered { lines: vec![], at },
        OrderEvent::Cancelled { reason: CancelReason::OutOfStock, at },
        OrderEvent::Expired { at },
        OrderEvent::ReservationExtended { reserved_until: minute(60), at },
    ]
}

/// The names of the events for which `holds` is true.
fn names(holds: impl Fn(StreamId, &Event) -> bool) -> Vec<&'static str> {
    let payments = payment_events().into_iter().map(|e| (payment_id(1).stream(), e.into()));
    let orders = order_events().into_iter().map(|e| (order_id(1).stream(), e.into()));
    let events = payments.chain(orders).filter(|(stream, event)| holds(*stream, event));
    events.map(|(_, event)| event.name()).collect()
}

#[test]
fn an_order_is_settled_whenever_the_money_of_its_payment_may_have_changed() {
    assert_eq!(
        names(|stream, event| react(stream, event).contains(&Reaction::Settle(payment_id(1)))),
        [
            // Cash on delivery is settled at once, because no provider will report.
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
    let order = order_id(1);
    let answers: Vec<_> =
        order_events().into_iter().flat_map(|event| react(order.stream(), &event.into())).collect();
    assert_eq!(answers, [Reaction::UnwindPayments(order), Reaction::FlagUnknown(order)]);
}

#[test]
fn refused_and_unanswered_calls_are_followed_up() {
    assert_eq!(
        names(|stream, event| {
            react(stream, event).contains(&Reaction::PlanFollowUp(payment_id(1)))
        }),
        [
            "payment.capture_failed",
            "payment.void_failed",
            "payment.refund_failed",
            "payment.outcome_unknown",
        ],
    );
}

#[test]
fn the_stock_stays_reserved_while_the_outcome_of_the_payment_is_unknown() {
    assert_eq!(
        names(|stream, event| react(stream, event)
            .contains(&Reaction::ExtendReservation(payment_id(1)))),
        ["payment.outcome_unknown"],
    );
}

#[test]
fn the_provider_is_called_only_for_requests() {
    let payment = payment_id(1);
    let asked: Vec<_> = payment_events()
        .into_iter()
        .flat_map(|event| effects(payment.stream(), &event.into()))
        .collect();
    let requested = [Call::Create, Call::Capture(1), Call::Void, Call::Refund(1)];
    // The last two are unanswered calls, which are repeated when they are due.
    let again = [Call::Create, Call::Refund(1)];
    let calls = requested.into_iter().chain(again).map(|call| Effect::CallProvider(payment, call));
    assert_eq!(asked, calls.collect::<Vec<_>>());
    assert!(
        names(|stream, event| stream.kind == Kind::Order && !effects(stream, event).is_empty())
            .is_empty()
    );
}

#[test]
fn the_name_of_a_call_is_different_for_each_request() {
    let calls = [Call::Create, Call::Capture(2), Call::Void, Call::Refund(3)];
    let names = calls.map(|call| Effect::CallProvider(payment_id(1), call).name());
    assert_eq!(names, ["create", "capture/2", "void", "refund/3"]);
}

#[test]
fn cash_on_delivery_is_settled_at_once_and_asks_no_provider() {
    let cash = Event::from(payment_events().remove(1));
    let stream = payment_id(1).stream();
    assert_eq!(react(stream, &cash), [Reaction::Settle(payment_id(1))]);
    assert_eq!(effects(stream, &cash), []);
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
    assert_eq!(changes, [set(15), set(35), cleared, None, None, cleared, cleared, set(60)]);
}

#[test]
fn authorised_money_and_scheduled_retries_have_deadlines() {
    let changes: Vec<_> = payment_events()
        .into_iter()
        .filter_map(|event| {
            let name = stored_name(&event);
            deadline(payment_id(1).stream(), &event.into()).map(|change| (name, change))
        })
        .collect();
    let (follow_up, expiry) = (Deadline::PaymentFollowUp, Deadline::AuthorizationExpiry);
    assert_eq!(
        changes,
        [
            // Held from minute 1 to 9, so the last of the eight minutes is for capturing.
            ("payment.authorized", DeadlineChange::Set(expiry, minute(8))),
            ("payment.captured", DeadlineChange::Clear(expiry)),
            ("payment.cancelled", DeadlineChange::Clear(expiry)),
            ("payment.voided", DeadlineChange::Clear(expiry)),
            ("payment.expired", DeadlineChange::Clear(expiry)),
            ("payment.follow_up_scheduled", DeadlineChange::Set(follow_up, minute(5))),
            ("payment.followed_up", DeadlineChange::Clear(follow_up)),
            ("payment.rest_held", DeadlineChange::Set(expiry, minute(8))),
            ("payment.authorization_expiring", DeadlineChange::Set(expiry, minute(9))),
        ],
    );
}

#[test]
fn the_stored_name_of_a_deadline_is_read_back() {
    let names = Deadline::ALL.map(Deadline::as_str);
    let stored =
        ["order_expiry", "payment_follow_up", "authorization_expiry", "notification_attempt"];
    assert_eq!(names, stored);
    assert_eq!(names.map(Deadline::parse), Deadline::ALL.map(Some));
    assert_eq!(Deadline::parse("tea_time"), None);
}

#[test]
fn events_of_carts_cause_nothing() {
    let stream = StreamId::new(Kind::Cart, Uuid::from_u128(1));
    let event = Event::from(CartEvent::CheckedOut { order: order_id(1), at: minute(1) });
    assert_eq!(react(stream, &event), []);
    assert_eq!(effects(stream, &event), []);
    assert_eq!(deadline(stream, &event), None);
}
