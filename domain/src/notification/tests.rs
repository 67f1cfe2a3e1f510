//! The rules of a notification.

use chrono::TimeDelta;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::{
    Channel, DeliveryOutcome, Message, News, Notification, NotificationCommand, NotificationError,
    NotificationEvent, Recipient, Requested, RetrySchedule, Template,
};
use crate::fixtures::{minute, order_id, placed, sku, text, units, usd};
use crate::order::{LineQuantity, Order, OrderDetails, OrderEvent, Shipment};
use crate::{NotificationId, ShipmentId, Timestamp};

fn given(events: Vec<NotificationEvent>) -> AggregateTestExecutor<Notification> {
    TestFramework::with(minute(10)).given(events)
}

fn message() -> Message {
    Message::OrderProcessing { number: "A-1001".into() }
}

fn request() -> NotificationCommand {
    NotificationCommand::Request {
        channel: Channel::Email,
        recipient: Recipient::Staff,
        order: Some(order_id(1)),
        message: Box::new(message()),
    }
}

fn requested() -> NotificationEvent {
    NotificationEvent::Requested(Box::new(Requested {
        channel: Channel::Email,
        recipient: Recipient::Staff,
        order: Some(order_id(1)),
        message: message(),
        at: minute(10),
    }))
}

fn record(attempt: u32, outcome: DeliveryOutcome) -> NotificationCommand {
    NotificationCommand::Record { attempt, outcome }
}

fn failure(next_attempt_at: Option<Timestamp>) -> DeliveryOutcome {
    DeliveryOutcome::Failed { reason: "no answer".into(), next_attempt_at }
}

fn failed(attempt: u32, next_attempt_at: Option<Timestamp>) -> NotificationEvent {
    NotificationEvent::Failed {
        attempt,
        reason: "no answer".into(),
        next_attempt_at,
        at: minute(10),
    }
}

fn abandoned() -> NotificationEvent {
    NotificationEvent::Abandoned { reason: "no answer".into(), at: minute(10) }
}

fn sent(attempt: u32) -> NotificationEvent {
    NotificationEvent::Sent { attempt, at: minute(10) }
}

#[test]
fn a_message_is_requested_once() {
    given(vec![]).when(request()).then_expect_events(vec![requested()]);
    given(vec![requested()]).when(request()).then_expect_events(vec![]);
    given(vec![requested(), sent(1)]).when(request()).then_expect_events(vec![]);
}

#[test]
fn a_failed_attempt_is_followed_by_the_next_one() {
    let later = Some(minute(11));
    given(vec![requested()])
        .when(record(1, failure(later)))
        .then_expect_events(vec![failed(1, later)]);
    given(vec![requested(), failed(1, later)])
        .when(record(2, DeliveryOutcome::Sent))
        .then_expect_events(vec![sent(2)]);
}

#[test]
fn the_last_failure_abandons_the_message() {
    given(vec![requested()])
        .when(record(1, failure(None)))
        .then_expect_events(vec![failed(1, None), abandoned()]);
}

#[test]
fn one_attempt_has_one_outcome() {
    let later = Some(minute(11));
    for again in [DeliveryOutcome::Sent, failure(later), failure(None)] {
        given(vec![requested(), failed(1, later)])
            .when(record(1, again))
            .then_expect_events(vec![]);
    }
}

#[test]
fn a_sent_or_abandoned_message_does_not_change() {
    let abandon = || NotificationCommand::Abandon { reason: "no answer".into() };
    for end in [sent(1), abandoned()] {
        given(vec![requested(), end.clone()]).when(abandon()).then_expect_events(vec![]);
        given(vec![requested(), end])
            .when(record(2, DeliveryOutcome::Sent))
            .then_expect_events(vec![]);
    }
    given(vec![requested()]).when(abandon()).then_expect_events(vec![abandoned()]);
}

#[test]
fn a_message_that_was_not_requested_is_missing() {
    for command in
        [record(1, DeliveryOutcome::Sent), NotificationCommand::Abandon { reason: "x".into() }]
    {
        given(vec![]).when(command).then_expect_error(NotificationError::Missing);
    }
}

#[test]
fn an_attempt_is_due_at_its_time_and_not_before() {
    use cqrs_es::Aggregate;
    let mut notification = Notification::default();
    notification.apply(requested());
    let due =
        |notification: &Notification, at| notification.outgoing_message().unwrap().attempt_due(at);
    assert_eq!(due(&notification, minute(9)), None);
    assert_eq!(due(&notification, minute(10)), Some(1));
    notification.apply(failed(1, Some(minute(12))));
    assert_eq!(due(&notification, minute(11)), None);
    assert_eq!(due(&notification, minute(12)), Some(2));
    notification.apply(sent(2));
    assert_eq!(due(&notification, minute(99)), None);
}

#[test]
fn pauses_grow_with_a_little_jitter_that_is_always_the_same() {
    let (backoff, first, last) = (RetrySchedule::default(), Uuid::nil(), Uuid::max());
    let seconds = |id, attempt| {
        backoff.after(attempt, NotificationId(id)).map(|pause: TimeDelta| pause.num_seconds())
    };
    let pauses: Vec<_> = (0..=6).map(|attempt| seconds(first, attempt)).collect();
    let table = [30, 120, 600, 3_600, 21_600].map(Some);
    assert_eq!(pauses, [&[None][..], &table, &[None]].concat());
    for (attempt, pause) in (1..).zip(table) {
        let longest = seconds(last, attempt);
        assert!(longest > pause && longest <= pause.map(|pause| pause + pause / 4));
    }
}

fn details() -> OrderDetails {
    use cqrs_es::Aggregate;
    let mut order = Order::default();
    order.apply(OrderEvent::Placed(Box::new(placed())));
    order.details().unwrap().clone()
}

#[test]
fn a_message_says_what_was_charged_and_what_was_shipped() {
    let Message::OrderConfirmation { lines, totals, .. } =
        Message::about(&details(), &News::Placed)
    else {
        panic!("no confirmation");
    };
    assert_eq!(lines.iter().map(|line| line.total).collect::<Vec<_>>(), [usd(2500), usd(900)]);
    assert_eq!(totals.total, usd(3400));

    let shipment = Shipment {
        id: ShipmentId(Uuid::nil()),
        lines: vec![LineQuantity { sku: sku("TEA"), quantity: units(1) }],
        carrier: Some(text("Pigeon")),
        tracking_number: Some(text("P-1")),
        estimated_delivery: None,
    };
    let Message::OrderShipped { items, tracking_number, .. } =
        Message::about(&details(), &News::Shipped(shipment))
    else {
        panic!("no shipment");
    };
    assert_eq!((items.len(), items[0].name.as_str()), (1, "TEA"));
    assert_eq!(tracking_number, Some(text("P-1")));
}

#[test]
fn a_message_is_stored_under_the_name_of_its_template() {
    let message = Message::about(&details(), &News::Expired);
    let stored = serde_json::to_value(&message).unwrap();
    assert_eq!(stored["template"], Template::OrderExpired.as_str());
}
