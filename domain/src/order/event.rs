//! What can happen to an order. These names and fields are the storage format: add, never change.

use std::fmt;

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::cart::Owner;
use crate::coupon::CouponCode;
use crate::payment::PaymentMethod;
use crate::pricing::Tax;
use crate::{CartId, Money, PaymentId, Personal, Quantity, ShipmentId, Sku, Text, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum OrderEvent {
    #[serde(rename = "order.placed")]
    Placed(Box<Placed>),
    /// Fields that are absent stay as they were.
    #[serde(rename = "order.updated")]
    Updated { contact: Option<Personal>, shipping_address: Option<Personal>, at: Timestamp },
    #[serde(rename = "order.payment_started")]
    PaymentStarted {
        payment: PaymentId,
        method: PaymentMethod,
        amount: Money,
        /// The stock is kept at least this long.
        reserved_until: Timestamp,
        at: Timestamp,
    },
    /// What one payment has brought so far; amounts are cumulative minor units.
    #[serde(rename = "order.payment_recorded")]
    PaymentRecorded { payment: PaymentId, outcome: PaymentOutcome, at: Timestamp },
    #[serde(rename = "order.confirmed")]
    Confirmed { at: Timestamp },
    #[serde(rename = "order.processing_started")]
    ProcessingStarted { at: Timestamp },
    #[serde(rename = "order.shipped")]
    Shipped { shipment: Shipment, at: Timestamp },
    #[serde(rename = "order.delivered")]
    Delivered { lines: Vec<LineQuantity>, at: Timestamp },
    #[serde(rename = "order.cancel_requested")]
    CancelRequested { reason: CancelReason, at: Timestamp },
    #[serde(rename = "order.cancelled")]
    Cancelled { reason: CancelReason, at: Timestamp },
    #[serde(rename = "order.expired")]
    Expired { at: Timestamp },
    #[serde(rename = "order.return_requested")]
    ReturnRequested { lines: Vec<LineQuantity>, reason: Option<Text>, at: Timestamp },
    #[serde(rename = "order.returned")]
    Returned { lines: Vec<LineQuantity>, restocked: Restocking, at: Timestamp },
    /// What one payment has given back so far, in minor units.
    #[serde(rename = "order.refund_recorded")]
    RefundRecorded { payment: PaymentId, refunded: i64, at: Timestamp },
    #[serde(rename = "order.note_added")]
    NoteAdded { note: Personal, at: Timestamp },
    /// Nobody knows what became of its payment: the stock is kept at least until then.
    #[serde(rename = "order.reservation_extended")]
    ReservationExtended { reserved_until: Timestamp, at: Timestamp },
}

/// An order as it was placed: what it says is what is charged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Short and readable, for people.
    pub number: String,
    pub cart: CartId,
    pub buyer: Owner,
    pub contact: Personal,
    pub shipping_address: Personal,
    pub lines: Vec<PlacedLine>,
    pub totals: Totals,
    /// By which the tax was worked out.
    pub tax: Tax,
    /// The coupon that made the discount.
    pub coupon: Option<CouponCode>,
    pub reserved_until: Timestamp,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedLine {
    pub sku: Sku,
    pub name: Text,
    pub quantity: Quantity,
    pub unit_price: Money,
    pub total: Money,
    /// This line's part of the order's discounts.
    pub discount: Money,
    pub tax: Money,
}

/// `subtotal + shipping − discount + exclusive tax = total`, to the minor unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    pub subtotal: Money,
    pub shipping: Money,
    pub shipping_tax: Money,
    pub discount: Money,
    /// Of the lines and of shipping.
    pub tax: Money,
    pub total: Money,
}

/// A payment as far as its order is concerned; amounts are cumulative minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentOutcome {
    pub authorized: i64,
    pub captured: i64,
    /// Failed, cancelled or expired with nothing captured: another attempt may be made.
    pub closed: bool,
    pub disputed: bool,
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shipment {
    pub id: ShipmentId,
    pub lines: Vec<LineQuantity>,
    pub carrier: Option<Text>,
    pub tracking_number: Option<Text>,
    pub estimated_delivery: Option<Timestamp>,
}

/// So many of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineQuantity {
    pub sku: Sku,
    pub quantity: Quantity,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The customer changed their mind; in their words, if they gave any.
    Customer(Option<Text>),
    Staff(Option<Text>),
    /// The money came after the stock had gone to somebody else.
    OutOfStock,
    /// The money that had confirmed the order was let go before anything was shipped.
    PaymentLost,
    /// The money came after the coupon had gone to somebody else.
    CouponUsedUp,
}

/// For people.
impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CancelReason::Customer(Some(text)) | CancelReason::Staff(Some(text)) => text.fmt(f),
            CancelReason::Customer(None) => f.write_str("cancelled by the customer"),
            CancelReason::Staff(None) => f.write_str("cancelled by the shop"),
            CancelReason::PaymentLost => f.write_str("the money was let go"),
            CancelReason::CouponUsedUp => f.write_str("the coupon was used up when the money came"),
            CancelReason::OutOfStock => f.write_str("the goods were gone when the money came"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Restocking {
    Restocked,
    WrittenOff,
}

impl OrderEvent {
    pub fn name(&self) -> &'static str {
        match self {
            OrderEvent::Placed(_) => "order.placed",
            OrderEvent::Updated { .. } => "order.updated",
            OrderEvent::PaymentStarted { .. } => "order.payment_started",
            OrderEvent::PaymentRecorded { .. } => "order.payment_recorded",
            OrderEvent::Confirmed { .. } => "order.confirmed",
            OrderEvent::ProcessingStarted { .. } => "order.processing_started",
            OrderEvent::Shipped { .. } => "order.shipped",
            OrderEvent::Delivered { .. } => "order.delivered",
            OrderEvent::CancelRequested { .. } => "order.cancel_requested",
            OrderEvent::Cancelled { .. } => "order.cancelled",
            OrderEvent::Expired { .. } => "order.expired",
            OrderEvent::ReturnRequested { .. } => "order.return_requested",
            OrderEvent::Returned { .. } => "order.returned",
            OrderEvent::RefundRecorded { .. } => "order.refund_recorded",
            OrderEvent::NoteAdded { .. } => "order.note_added",
            OrderEvent::ReservationExtended { .. } => "order.reservation_extended",
        }
    }
}

impl OrderEvent {
    /// Of the payload as it is written today; see `upcast.rs`.
    pub fn schema_version(&self) -> i16 {
        match self {
            // 2: tax, coupon, tax on shipping.
            OrderEvent::Placed(_) => 2,
            _ => 1,
        }
    }
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.schema_version().to_string()
    }
}
