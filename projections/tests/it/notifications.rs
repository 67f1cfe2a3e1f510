//! The read model of notifications.

use domain::notification::{
    Channel, Message, NotificationEvent, NotificationStatus, Recipient, Requested, Template,
};
use domain::{CustomerId, NotificationId, OrderId, Personal, SubjectId};
use projections::ReadModels;
use projections::notifications::Filter;
use uuid::Uuid;

use crate::support::{Shop, at, id, items, page};

pub(crate) fn requested(order: Option<OrderId>, customer: Option<CustomerId>) -> NotificationEvent {
    let subject = SubjectId(Uuid::nil());
    let contact = Personal { subject, nonce: "n".into(), ciphertext: "c".into() };
    NotificationEvent::Requested(Box::new(Requested {
        channel: Channel::Email,
        recipient: Recipient::Buyer { contact, customer },
        order,
        message: Message::OrderProcessing { number: "A-1".into() },
        at: at(0),
    }))
}

fn failed(next: Option<i64>) -> NotificationEvent {
    let (reason, next_attempt_at) = ("no answer".into(), next.map(at));
    NotificationEvent::Failed { attempt: 1, reason, next_attempt_at, at: at(1) }
}

async fn found(models: &ReadModels, filter: Filter) -> Vec<Uuid> {
    let notifications = models.notifications(&filter, &page(100)).await.unwrap();
    items(notifications).iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn notifications_are_found_by_id_and_filtered_by_customer_order_template_and_status() {
    let shop = Shop::open().await;
    let [first, second, third] = [(); 3].map(|()| NotificationId(id()));
    let (ada, order) = (Some(CustomerId(id())), Some(OrderId(id())));
    let sent = NotificationEvent::Sent { attempt: 1, at: at(1) };
    shop.record(first.stream(), [requested(order, ada), sent]).await;
    shop.record(second.stream(), [requested(order, None), failed(Some(60))]).await;
    shop.record(third.stream(), [requested(None, ada), failed(None)]).await;

    let models = shop.projected().await;

    let row = models.notification(second).await.unwrap().unwrap();
    assert_eq!(row.state.outgoing_message().unwrap().attempts.len(), 1);
    assert_eq!(found(&models, Filter::default()).await, [third.0, second.0, first.0]);
    let of_ada = Filter { customer: ada, ..Filter::default() };
    assert_eq!(found(&models, of_ada).await, [third.0, first.0]);
    let of_order = Filter { order, ..Filter::default() };
    assert_eq!(found(&models, of_order).await, [second.0, first.0]);
    let sent = Filter { status: Some(NotificationStatus::Sent), ..Filter::default() };
    assert_eq!(found(&models, sent).await, [first.0]);
    let refunds = Filter { template: Some(Template::Refund), ..Filter::default() };
    assert_eq!(found(&models, refunds).await, [] as [Uuid; 0]);
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn a_message_is_due_until_it_is_sent_and_not_among_the_other_deadlines() {
    let shop = Shop::open().await;
    let [fresh, waiting, sent] = [(); 3].map(|()| NotificationId(id()));
    shop.record(fresh.stream(), [requested(None, None)]).await;
    shop.record(waiting.stream(), [requested(None, None), failed(Some(60))]).await;
    let done = NotificationEvent::Sent { attempt: 1, at: at(1) };
    shop.record(sent.stream(), [requested(None, None), done]).await;

    let models = shop.projected().await;

    let due = async |seconds| {
        let due = models.due_notifications(at(seconds), 10).await.unwrap();
        due.iter().map(|due| (due.notification, due.attempt)).collect::<Vec<_>>()
    };
    assert_eq!(due(-1).await, []);
    assert_eq!(due(59).await, [(fresh, 1)]);
    assert_eq!(due(60).await, [(fresh, 1), (waiting, 2)]);
    assert_eq!(models.due_deadlines(at(3_600), 10).await.unwrap(), []);
    assert_eq!(models.next_deadline().await.unwrap(), None);
    shop.assert_equal_to_rebuilds().await;
}
