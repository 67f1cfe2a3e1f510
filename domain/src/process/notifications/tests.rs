//! The events that people are notified about, as a table.

use super::{NotificationRequest, notification_request};
use crate::fixtures::{minute, order_id, payment_id, placed, sku, usd};
use crate::inventory::InventoryEvent;
use crate::notification::{NotificationEvent, Template};
use crate::order::{CancelReason, OrderEvent, Restocking, Shipment};
use crate::payment::PaymentEvent;
use crate::process::{Deadline, DeadlineChange, deadline};
use crate::{Event, NotificationId, ShipmentId, StreamId};

/// Events with a notification, and some without.
fn events() -> Vec<(StreamId, Event)> {
    let at = minute(1);
    let (order, payment, stock) =
        (order_id(1).stream(), payment_id(1).stream(), sku("MUG").inventory());
    let shipment = Shipment {
        id: ShipmentId(order.id),
        lines: vec![],
        carrier: None,
        tracking_number: None,
        estimated_delivery: None,
    };
    let restocked = Restocking::Restocked;
    vec![
        (order, OrderEvent::Placed(Box::new(placed())).into()),
        (order, OrderEvent::Confirmed { at }.into()),
        (order, OrderEvent::ProcessingStarted { at }.into()),
        (order, OrderEvent::Shipped { shipment, at }.into()),
        (order, OrderEvent::Delivered { lines: vec![], at }.into()),
        (order, OrderEvent::Cancelled { reason: CancelReason::OutOfStock, at }.into()),
        (order, OrderEvent::Expired { at }.into()),
        (order, OrderEvent::ReturnRequested { lines: vec![], reason: None, at }.into()),
        (order, OrderEvent::Returned { lines: vec![], restocked, at }.into()),
        (payment, PaymentEvent::Processing { reference: "pi_1".into(), at }.into()),
        (payment, captured("ch_1", 3_400)),
        (payment, failed("declined")),
        (payment, refunded("re_1", 3_400)),
        (stock, InventoryEvent::LowStock { available: 3, reorder_level: 3, at }.into()),
        (stock, InventoryEvent::Recovered { available: 4, reorder_level: 3, at }.into()),
        (stock, NotificationEvent::Sent { attempt: 1, at }.into()),
    ]
}

fn captured(object: &str, cents: i64) -> Event {
    let (object, amount) = (object.to_owned(), usd(cents));
    PaymentEvent::Captured { object, amount, request: None, at: minute(1) }.into()
}

fn refunded(object: &str, cents: i64) -> Event {
    let (object, amount) = (object.to_owned(), usd(cents));
    PaymentEvent::Refunded { object, amount, request: None, at: minute(1) }.into()
}

fn failed(reason: &str) -> Event {
    PaymentEvent::Failed { reason: reason.into(), at: minute(1) }.into()
}

#[test]
fn people_are_notified_of_these_events_and_of_no_others() {
    let notified: Vec<_> = events()
        .iter()
        .filter_map(|(stream, event)| {
            Some((event.name(), notification_request(*stream, event)?.template()))
        })
        .collect();
    assert_eq!(
        notified,
        [
            ("order.placed", Template::OrderConfirmation),
            ("order.processing_started", Template::OrderProcessing),
            ("order.shipped", Template::OrderShipped),
            ("order.delivered", Template::OrderDelivered),
            ("order.cancelled", Template::OrderCancelled),
            ("order.expired", Template::OrderExpired),
            ("order.returned", Template::ReturnAccepted),
            ("payment.captured", Template::PaymentConfirmation),
            ("payment.failed", Template::PaymentFailed),
            ("payment.refunded", Template::Refund),
            ("inventory.low_stock", Template::LowStock),
        ],
    );
}

fn id(event: &Event, position: i64) -> NotificationId {
    notification_request(payment_id(1).stream(), event)
        .as_ref()
        .map(|notice: &NotificationRequest| notice.id(position))
        .unwrap()
}

#[test]
fn a_fact_about_money_that_is_reported_again_notifies_once() {
    assert_eq!(id(&captured("ch_1", 3_400), 7), id(&captured("ch_1", 3_400), 8));
    assert_eq!(id(&failed("declined"), 7), id(&failed("no funds"), 8));
    assert_ne!(id(&captured("ch_1", 1_000), 7), id(&captured("ch_1", 3_400), 8));
    assert_ne!(id(&refunded("re_1", 1_000), 7), id(&refunded("re_2", 1_000), 8));
    assert_ne!(id(&captured("x", 1_000), 7), id(&refunded("x", 1_000), 7));
}

#[test]
fn an_event_of_an_order_that_occurs_twice_notifies_twice() {
    let shipped = events().remove(3);
    let notice = notification_request(shipped.0, &shipped.1).unwrap();
    assert_eq!(notice.id(7), notice.id(7));
    assert_ne!(notice.id(7), notice.id(8));
}

#[test]
fn a_message_is_due_until_it_is_sent_or_abandoned() {
    let (at, reason) = (minute(1), || "no answer".to_owned());
    let of = |event: NotificationEvent| deadline(order_id(1).stream(), &event.into());
    let failed = |next_attempt_at| {
        of(NotificationEvent::Failed { attempt: 1, reason: reason(), next_attempt_at, at })
    };
    let (set, cleared) = (
        DeadlineChange::Set(Deadline::NotificationAttempt, minute(3)),
        DeadlineChange::Clear(Deadline::NotificationAttempt),
    );
    assert_eq!(failed(Some(minute(3))), Some(set));
    assert_eq!(failed(None), Some(cleared));
    assert_eq!(of(NotificationEvent::Sent { attempt: 1, at }), Some(cleared));
    assert_eq!(of(NotificationEvent::Abandoned { reason: reason(), at }), Some(cleared));
}
