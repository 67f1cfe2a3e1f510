//! What messages say. They are stored in `notification.requested`: add, never change.

use serde::{Deserialize, Serialize};

use crate::order::{CancelReason, LineQuantity, OrderDetails, Restocking, Shipment, Totals};
use crate::{Money, Quantity, Sku, Text, Timestamp};

/// The contents of a message, by the template that puts them into words.
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
        /// In the provider's words.
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
        /// Units that can be sold.
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

/// So many of something, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageItem {
    pub name: Text,
    pub quantity: Quantity,
}

/// What happened to an order that its buyer is told.
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
    /// What the buyer of this order is told.
    pub fn about(order: &OrderDetails, news: &News) -> Message {
        let number = order.placed.number.clone();
        match news.clone() {
            News::Placed => {
                let totals = order.placed.totals.clone();
                Message::OrderConfirmation { number, lines: lines(order), totals }
            }
            News::Captured { amount, .. } => Message::PaymentConfirmation { number, amount },
            News::PaymentFailed(reason) => Message::PaymentFailed { number, reason },
            News::Refunded { amount, .. } => Message::Refund { number, amount },
            News::ProcessingStarted => Message::OrderProcessing { number },
            News::Shipped(Shipment {
                lines, carrier, tracking_number, estimated_delivery, ..
            }) => {
                let items = items(order, &lines);
                Message::OrderShipped {
                    number,
                    items,
                    carrier,
                    tracking_number,
                    estimated_delivery,
                }
            }
            News::Delivered(parts) => {
                Message::OrderDelivered { number, items: items(order, &parts) }
            }
            News::Cancelled(reason) => Message::OrderCancelled { number, reason },
            News::Expired => Message::OrderExpired { number },
            News::Returned(parts, restocked) => {
                Message::ReturnAccepted { number, items: items(order, &parts), restocked }
            }
        }
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

/// Parts of an order by the names that were ordered.
fn items(order: &OrderDetails, parts: &[LineQuantity]) -> Vec<MessageItem> {
    let item = |part: &LineQuantity| {
        let line = order.placed.lines.iter().find(|line| line.sku == part.sku)?;
        Some(MessageItem { name: line.name.clone(), quantity: part.quantity })
    };
    parts.iter().filter_map(item).collect()
}

/// The messages that the shop sends. Their names are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

    /// As serde names the message.
    pub fn as_str(self) -> &'static str {
        match self {
            Template::OrderConfirmation => "order_confirmation",
            Template::PaymentConfirmation => "payment_confirmation",
            Template::OrderProcessing => "order_processing",
            Template::OrderShipped => "order_shipped",
            Template::OrderDelivered => "order_delivered",
            Template::OrderCancelled => "order_cancelled",
            Template::OrderExpired => "order_expired",
            Template::PaymentFailed => "payment_failed",
            Template::Refund => "refund",
            Template::ReturnAccepted => "return_accepted",
            Template::LowStock => "low_stock",
        }
    }
}
