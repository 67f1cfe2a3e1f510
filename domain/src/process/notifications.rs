//! The events that people are notified about. The command that creates the notification reads the
//! recipient and the other data of the message.

#[cfg(test)]
mod tests;

use crate::inventory::InventoryEvent;
use crate::notification::{News, Template};
use crate::order::OrderEvent;
use crate::payment::PaymentEvent;
use crate::{Event, NotificationId, OrderId, PaymentId, StreamId};

/// A notification to create, with the data that only the event has.
#[derive(Debug, Clone, PartialEq)]
pub enum NotificationRequest {
    /// To the buyer of the order.
    Order(OrderId, News),
    /// To the buyer of the order that this payment is for.
    Payment(PaymentId, News),
    /// To staff. `available` units of this stock can be sold.
    LowStock { stock: StreamId, available: i64 },
}

impl NotificationRequest {
    /// The id of the notification for the event at this position. The same fact about money may be
    /// recorded more than once and gives the same id, so that people are notified once.
    pub fn id(&self, position: i64) -> NotificationId {
        let key = match self {
            NotificationRequest::Payment(payment, News::PaymentFailed(_)) => payment.to_string(),
            NotificationRequest::Payment(
                payment,
                News::Captured { object, amount } | News::Refunded { object, amount },
            ) => format!("{payment}/{object}/{}", amount.amount),
            _ => position.to_string(),
        };
        NotificationId::new(self.template(), &key)
    }

    pub fn template(&self) -> Template {
        let news = match self {
            NotificationRequest::Order(_, news) | NotificationRequest::Payment(_, news) => news,
            NotificationRequest::LowStock { .. } => return Template::LowStock,
        };
        match news {
            News::Placed => Template::OrderConfirmation,
            News::Captured { .. } => Template::PaymentConfirmation,
            News::PaymentFailed(_) => Template::PaymentFailed,
            News::Refunded { .. } => Template::Refund,
            News::ProcessingStarted => Template::OrderProcessing,
            News::Shipped(_) => Template::OrderShipped,
            News::Delivered(_) => Template::OrderDelivered,
            News::Cancelled(_) => Template::OrderCancelled,
            News::Expired => Template::OrderExpired,
            News::Returned(..) => Template::ReturnAccepted,
        }
    }
}

/// The notification that an event of this stream requests.
pub fn notification_request(stream: StreamId, event: &Event) -> Option<NotificationRequest> {
    match event {
        Event::Order(event) => {
            Some(NotificationRequest::Order(OrderId(stream.id), order_news(event)?))
        }
        Event::Payment(event) => {
            Some(NotificationRequest::Payment(PaymentId(stream.id), payment_news(event)?))
        }
        Event::Inventory(InventoryEvent::LowStock { available, .. }) => {
            Some(NotificationRequest::LowStock { stock: stream, available: *available })
        }
        _ => None,
    }
}

fn order_news(event: &OrderEvent) -> Option<News> {
    match event {
        OrderEvent::Placed(_) => Some(News::Placed),
        OrderEvent::ProcessingStarted { .. } => Some(News::ProcessingStarted),
        OrderEvent::Shipped { shipment, .. } => Some(News::Shipped(shipment.clone())),
        OrderEvent::Delivered { lines, .. } => Some(News::Delivered(lines.clone())),
        OrderEvent::Cancelled { reason, .. } => Some(News::Cancelled(reason.clone())),
        OrderEvent::Expired { .. } => Some(News::Expired),
        OrderEvent::Returned { lines, restocked, .. } => {
            Some(News::Returned(lines.clone(), *restocked))
        }
        _ => None,
    }
}

fn payment_news(event: &PaymentEvent) -> Option<News> {
    match event {
        PaymentEvent::Captured { object, amount, .. } => {
            Some(News::Captured { object: object.clone(), amount: *amount })
        }
        PaymentEvent::Refunded { object, amount, .. } => {
            Some(News::Refunded { object: object.clone(), amount: *amount })
        }
        PaymentEvent::Failed { reason, .. } => Some(News::PaymentFailed(reason.clone())),
        _ => None,
    }
}
