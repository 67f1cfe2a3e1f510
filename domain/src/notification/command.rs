//! What may be asked of a message, and why it may be refused.

use super::{Channel, Message, News, Recipient};
use crate::cart::Owner;
use crate::inventory::Stock;
use crate::order::OrderDetails;
use crate::{ErrorCode, OrderId, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum NotificationCommand {
    /// Asks for it to be sent as soon as possible.
    Request {
        channel: Channel,
        recipient: Recipient,
        order: Option<OrderId>,
        message: Box<Message>,
    },
    /// Records what came of an attempt, counted from 1.
    Record { attempt: u32, outcome: DeliveryOutcome },
    /// It must not be sent.
    Abandon { reason: String },
}

impl NotificationCommand {
    /// Tells the buyer of an order what happened to it.
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

    /// Tells staff that so many units are left to be sold.
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

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Sent,
    /// It may work later; without a next attempt it is given up.
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

    pub fn field(&self) -> &'static str {
        "notificationId"
    }
}
