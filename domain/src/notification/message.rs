//! The contents of messages. They are stored in `notification.requested`: add, never change.

use serde::{Deserialize, Serialize};

use crate::order::{CancelReason, LineQuantity, OrderDetails, Restocking, Shipment, Totals};
use crate::{Kind, Money, NotificationId, Quantity, Sku, StreamId, Text, Timestamp, stored_name};

/// The contents of a message, by the template that renders them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "template", content = "data", rename_all = "snake_case")]
pub enum Message {
    OrderConfirmation {
        number: String,
        lines: Vec<MessageLine>,
        totals: Totals,
    },
    PaymentConfirmation {
        number: String,
        amount: Money,
    },
    OrderProcessing {
        number: String,
    },
    OrderShipped {
        number: String,
        items: Vec<MessageItem>,
        carrier: Option<Text>,
        tracking_number: Option<Text>,
        estimated_delivery: Option<Timestamp>,
    },
    OrderDelivered {
        number: String,
        items: Vec<MessageItem>,
    },
    OrderCancelled {
        number: String,
        reason: CancelReason,
    },
    OrderExpired {
        number: String,
    },
    PaymentFailed {
        number: String,
        /// The provider's reason, as it was reported.
        reason: String,
    },
    Refund {
        number: String,
        amount: Money,
    },
    ReturnAccepted {
        number: String,
        items: Vec<MessageItem>,
        restocked: Restocking,
    },
    LowStock {
        sku: Sku,
        /// The units that can be sold.
        available: i64,
        reorder_level: u32,
        reorder_quantity: u32,
    },
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageLine {
    pub name: Text,
    pub quantity: Quantity,
    pub total: Money,
}

/// A product by its name, and how many units of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageItem {
    pub name: Text,
    pub quantity: Quantity,
}

/// An event of an order that its buyer is notified about.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    Placed,
    Captured { object: String, amount: Money },
    PaymentFailed(String),
    Refunded { object: String, amount: Money },
    ProcessingStarted,
    Shipped(Shipment),
    Delivered(Vec<LineQuantity>),
    Cancelled(CancelReason),
    Expired,
    Returned(Vec<LineQuantity>, Restocking),
}

impl Message {
    /// The message that notifies the buyer of this order.
    pub fn about(order: &OrderDetails, news: &News) -> Message {
        let number = order.placed.number.clone();
        match news.clone() {
            News::Placed => Message::confirmation(order),
            News::Captured { amount, .. } => Message::PaymentConfirmation { number, amount },
            News::PaymentFailed(reason) => Message::PaymentFailed { number, reason },
            News::Refunded { amount, .. } => Message::Refund { number, amount },
            News::ProcessingStarted => Message::OrderProcessing { number },
            News::Shipped(shipment) => Message::shipped(order, shipment),
            News::Delivered(lines) => {
                Message::OrderDelivered { number, items: items(order, &lines) }
            }
            News::Cancelled(reason) => Message::OrderCancelled { number, reason },
            News::Expired => Message::OrderExpired { number },
            News::Returned(lines, restocked) => {
                Message::ReturnAccepted { number, items: items(order, &lines), restocked }
            }
        }
    }

    fn confirmation(order: &OrderDetails) -> Message {
        let (number, totals) = (order.placed.number.clone(), order.placed.totals.clone());
        Message::OrderConfirmation { number, lines: lines(order), totals }
    }

    fn shipped(order: &OrderDetails, shipment: Shipment) -> Message {
        let Shipment { lines, carrier, tracking_number, estimated_delivery, .. } = shipment;
        let (number, items) = (order.placed.number.clone(), items(order, &lines));
        Message::OrderShipped { number, items, carrier, tracking_number, estimated_delivery }
    }

    pub fn template(&self) -> Template {
        match self {
            Message::OrderConfirmation { .. } => Template::OrderConfirmation,
            Message::PaymentConfirmation { .. } => Template::PaymentConfirmation,
            Message::OrderProcessing { .. } => Template::OrderProcessing,
            Message::OrderShipped { .. } => Template::OrderShipped,
            Message::OrderDelivered { .. } => Template::OrderDelivered,
            Message::OrderCancelled { .. } => Template::OrderCancelled,
            Message::OrderExpired { .. } => Template::OrderExpired,
            Message::PaymentFailed { .. } => Template::PaymentFailed,
            Message::Refund { .. } => Template::Refund,
            Message::ReturnAccepted { .. } => Template::ReturnAccepted,
            Message::LowStock { .. } => Template::LowStock,
        }
    }
}

fn lines(order: &OrderDetails) -> Vec<MessageLine> {
    let line = |line: &crate::order::PlacedLine| MessageLine {
        name: line.name.clone(),
        quantity: line.quantity,
        total: line.total,
    };
    order.placed.lines.iter().map(line).collect()
}

/// Quantities of an order's lines, with the names that the products had when it was placed.
fn items(order: &OrderDetails, quantities: &[LineQuantity]) -> Vec<MessageItem> {
    let item = |LineQuantity { sku, quantity }: &LineQuantity| {
        let line = order.placed.lines.iter().find(|line| line.sku == *sku)?;
        Some(MessageItem { name: line.name.clone(), quantity: *quantity })
    };
    quantities.iter().filter_map(item).collect()
}

/// The kinds of messages that the shop sends. Their names are stored, and each is the name of the
/// [`Message`] that it renders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    OrderConfirmation,
    PaymentConfirmation,
    OrderProcessing,
    OrderShipped,
    OrderDelivered,
    OrderCancelled,
    OrderExpired,
    PaymentFailed,
    Refund,
    ReturnAccepted,
    LowStock,
}

impl NotificationId {
    /// The message of this template about the object with this key. The id is always the same, so
    /// such a message is sent once.
    pub fn new(template: Template, key: &str) -> Self {
        let key = format!("{}/{key}", template.as_str());
        NotificationId(StreamId::natural(Kind::Notification, &key).id)
    }
}

impl Template {
    pub const ALL: [Template; 11] = [
        Template::OrderConfirmation,
        Template::PaymentConfirmation,
        Template::OrderProcessing,
        Template::OrderShipped,
        Template::OrderDelivered,
        Template::OrderCancelled,
        Template::OrderExpired,
        Template::PaymentFailed,
        Template::Refund,
        Template::ReturnAccepted,
        Template::LowStock,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }
}
