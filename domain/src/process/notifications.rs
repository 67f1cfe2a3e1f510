//! Which events people are told of. The command that answers looks up the recipient, and whatever
//! else the message says.

#[cfg(test)]
mod tests;

use crate::inventory::InventoryEvent;
use crate::notification::{News, Template};
use crate::order::OrderEvent;
use crate::payment::PaymentEvent;
use crate::{Event, NotificationId, OrderId, PaymentId, StreamId};

/// A message to be asked for, with what only the event knows of it.
#[derive(Debug, Clone, PartialEq)]
pub enum NotificationRequest {
    /// To the buyer of the order.
    Order(OrderId, News),
    /// To the buyer of the order that this payment is for.
    Payment(PaymentId, News),
    /// To staff: the stock of this stream, and the units of it that can be sold.
    LowStock { stock: StreamId, available: i64 },
}

impl NotificationRequest {
    /// The message that answers the event at this position. Facts about money may be heard more
    /// than once, and are told once.
    pub fn id(&self, position: i64) -> NotificationId {
        let key = match self {
            NotificationRequest::Payment(payment, News::PaymentFailed(_)) => payment.to_string(),
            NotificationRequest::Payment(
                payment,
                News::Captured { object, amount } | News::Refunded { object, amount },
            ) => format!("{payment}/{object}/{}", amount.amount),
            _ => position.to_string(),
        };
        NotificationId::of(self.template(), &key)
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

/// Who is told what.
pub fn notification_request(stream: StreamId, event: &Event) -> Option<NotificationRequest> {
    match event {
        Event::Order(event) => {
            Some(NotificationRequest::Order(OrderId(stream.id), of_order(event)?))
        }
        Event::Payment(event) => {
            Some(NotificationRequest::Payment(PaymentId(stream.id), of_payment(event)?))
        }
        Event::Inventory(InventoryEvent::LowStock { available, .. }) => {
            Some(NotificationRequest::LowStock { stock: stream, available: *available })
        }
        _ => None,
    }
}

fn of_order(event: &OrderEvent) -> Option<News> {
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

fn of_payment(event: &PaymentEvent) -> Option<News> {
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
