//! A message is requested once, and an attempt has one outcome, whichever node records it.

use commands::notification::Notify;
use commands::{AggregateCommand, Bus};
use domain::NotificationId;
use domain::notification::{DeliveryOutcome, NotificationCommand};
use domain::process::NotificationRequest;

use crate::support::{Shop, mug, once};

fn notice() -> NotificationRequest {
    NotificationRequest::LowStock { stock: mug().inventory(), available: 3 }
}

async fn notify(bus: &Bus, notification: NotificationId) {
    bus.execute(Notify { notification, notice: notice() }, once()).await.unwrap();
}

async fn record(bus: &Bus, notification: NotificationId, attempt: u32, outcome: DeliveryOutcome) {
    let command = NotificationCommand::Record { attempt, outcome };
    let ask = AggregateCommand { name: "recordDelivery", id: notification, command };
    bus.execute(ask, once()).await.unwrap();
}

#[tokio::test]
async fn a_message_is_requested_once_however_often_its_event_is_read() {
    let (shop, a, b) = Shop::selling(&mug(), 3).await;
    let (first, second) = (notice().id(7), notice().id(8));
    for bus in [&a, &b, &a] {
        notify(bus, first).await;
    }
    assert_eq!(shop.count("notification.requested").await, 1);
    notify(&b, second).await;
    assert_eq!(shop.count("notification.requested").await, 2);
}

#[tokio::test]
async fn an_attempt_that_two_nodes_made_has_one_outcome() {
    let (shop, a, b) = Shop::selling(&mug(), 3).await;
    let message = notice().id(7);
    for bus in [&a, &b] {
        notify(bus, message).await;
    }
    let next_attempt_at = Some(chrono::Utc::now());
    let failed = || DeliveryOutcome::Failed { reason: "no answer".to_owned(), next_attempt_at };
    record(&a, message, 1, failed()).await;
    record(&b, message, 1, DeliveryOutcome::Sent).await;
    assert_eq!(shop.count("notification.sent").await, 0);
    record(&b, message, 2, DeliveryOutcome::Sent).await;
    record(&a, message, 2, failed()).await;
    let counts = [shop.count("notification.sent").await, shop.count("notification.failed").await];
    assert_eq!(counts, [1, 1]);
}
