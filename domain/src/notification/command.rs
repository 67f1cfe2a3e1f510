//! The commands of a notification, and the errors with which it refuses them.

use super::{Channel, Message, News, Recipient};
use crate::cart::Owner;
use crate::inventory::Stock;
use crate::order::OrderDetails;
use crate::{ErrorCode, OrderId, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum NotificationCommand {
    /// Requests that the message is sent as soon as possible.
    Request {
        channel: Channel,
        recipient: Recipient,
        order: Option<OrderId>,
        message: Box<Message>,
    },
    /// Records the outcome of an attempt; attempts are counted from 1.
    Record { attempt: u32, outcome: DeliveryOutcome },
    /// The message must not be sent any more.
    Abandon { reason: String },
}

impl NotificationCommand {
    /// A request to notify the buyer of an order.
    pub fn to_buyer(id: OrderId, order: &OrderDetails, news: &News) -> Self {
        let customer = match order.placed.buyer {
            Owner::Customer(customer) => Some(customer),
            Owner::Guest => None,
        };
        let contact = order.placed.contact.clone();
        NotificationCommand::Request {
            channel: Channel::Email,
            recipient: Recipient::Buyer { contact, customer },
            order: Some(id),
            message: Box::new(Message::about(order, news)),
        }
    }

    /// A request to notify staff that only `available` units can still be sold.
    pub fn low_stock(stock: &Stock, available: i64) -> Self {
        NotificationCommand::Request {
            channel: Channel::Email,
            recipient: Recipient::Staff,
            order: None,
            message: Box::new(Message::LowStock {
                sku: stock.sku.clone(),
                available,
                reorder_level: stock.reorder_level,
                reorder_quantity: stock.reorder_quantity,
            }),
        }
    }
}

/// The outcome of one attempt to send a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Sent,
    /// Without a time for the next attempt the message is abandoned.
    Failed {
        reason: String,
        next_attempt_at: Option<Timestamp>,
    },
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotificationError {
    #[error("there is no such notification")]
    Missing,
}

impl NotificationError {
    pub fn code(&self) -> ErrorCode {
        match self {
            NotificationError::Missing => ErrorCode::NotFound,
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        "notificationId"
    }
}
