//! The events of an order. These names and fields are the storage format: add, never change.

use std::fmt;

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::cart::Owner;
use crate::coupon::CouponCode;
use crate::payment::PaymentMethod;
use crate::pricing::Tax;
use crate::{
    CartId, Money, PaymentId, Personal, Quantity, ShipmentId, Sku, Text, Timestamp, stored_name,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum OrderEvent {
    #[serde(rename = "order.placed")]
    Placed(Box<Placed>),
    /// Fields that are `None` were not changed.
    #[serde(rename = "order.updated")]
    Updated { contact: Option<Personal>, shipping_address: Option<Personal>, at: Timestamp },
    #[serde(rename = "order.payment_started")]
    PaymentStarted {
        payment: PaymentId,
        method: PaymentMethod,
        amount: Money,
        /// The stock stays reserved at least until then.
        reserved_until: Timestamp,
        at: Timestamp,
    },
    /// What one payment has achieved so far; its amounts are cumulative.
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
    #[serde(rename = "order.cancelled")]
    Cancelled { reason: CancelReason, at: Timestamp },
    #[serde(rename = "order.expired")]
    Expired { at: Timestamp },
    #[serde(rename = "order.return_requested")]
    ReturnRequested { lines: Vec<LineQuantity>, reason: Option<Text>, at: Timestamp },
    #[serde(rename = "order.returned")]
    Returned { lines: Vec<LineQuantity>, restocked: Restocking, at: Timestamp },
    /// How much of one payment has been refunded so far, in minor units.
    #[serde(rename = "order.refund_recorded")]
    RefundRecorded { payment: PaymentId, refunded: i64, at: Timestamp },
    #[serde(rename = "order.note_added")]
    NoteAdded { note: Personal, at: Timestamp },
    /// The outcome of its payment is unknown, so the stock stays reserved at least until then.
    #[serde(rename = "order.reservation_extended")]
    ReservationExtended { reserved_until: Timestamp, at: Timestamp },
}

/// An order as it was placed: these prices and totals are charged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// The number that people use, such as `C-10009`.
    pub number: String,
    pub cart: CartId,
    pub buyer: Owner,
    pub contact: Personal,
    pub shipping_address: Personal,
    pub lines: Vec<PlacedLine>,
    pub totals: Totals,
    /// The rate and mode by which the tax was calculated.
    pub tax: Tax,
    /// The coupon that gave the discount.
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
    /// This line's share of the order's discount.
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
    /// The tax on all lines and on shipping.
    pub tax: Money,
    pub total: Money,
}

/// What an order stores about one of its payments; amounts are cumulative minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentOutcome {
    pub authorized: i64,
    pub captured: i64,
    /// The payment failed, was cancelled or has expired, and nothing was captured: another payment
    /// may start.
    pub closed: bool,
    pub disputed: bool,
}

/// A parcel and what is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shipment {
    pub id: ShipmentId,
    pub lines: Vec<LineQuantity>,
    pub carrier: Option<Text>,
    pub tracking_number: Option<Text>,
    pub estimated_delivery: Option<Timestamp>,
}

/// A number of units of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineQuantity {
    pub sku: Sku,
    pub quantity: Quantity,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The customer asked for it; the text is the customer's reason, if there is one.
    Customer(Option<Text>),
    Staff(Option<Text>),
    /// The payment succeeded only after the stock had been sold to other customers.
    OutOfStock,
    /// The payment that covered the order ended before anything was shipped: it was voided or
    /// refunded, or its authorisation expired.
    PaymentLost,
    /// The payment succeeded only after other orders had used up the coupon.
    CouponUsedUp,
}

/// An English sentence for people.
impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CancelReason::Customer(Some(text)) | CancelReason::Staff(Some(text)) => text.fmt(f),
            CancelReason::Customer(None) => f.write_str("cancelled by the customer"),
            CancelReason::Staff(None) => f.write_str("cancelled by the shop"),
            CancelReason::PaymentLost => {
                f.write_str("the payment was voided, refunded or has expired")
            }
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
    /// When the event was decided.
    pub fn at(&self) -> Timestamp {
        match self {
            OrderEvent::Placed(placed) => placed.at,
            OrderEvent::Updated { at, .. }
            | OrderEvent::PaymentStarted { at, .. }
            | OrderEvent::PaymentRecorded { at, .. }
            | OrderEvent::Confirmed { at, .. }
            | OrderEvent::ProcessingStarted { at, .. }
            | OrderEvent::Shipped { at, .. }
            | OrderEvent::Delivered { at, .. }
            | OrderEvent::Cancelled { at, .. }
            | OrderEvent::Expired { at, .. }
            | OrderEvent::ReturnRequested { at, .. }
            | OrderEvent::Returned { at, .. }
            | OrderEvent::RefundRecorded { at, .. }
            | OrderEvent::NoteAdded { at, .. }
            | OrderEvent::ReservationExtended { at, .. } => *at,
        }
    }

    /// The version of the payload that this program writes; [`crate::upcasters`] lift older ones.
    pub fn schema_version(&self) -> i16 {
        match self {
            // Version 2 added tax, coupon and tax on shipping.
            OrderEvent::Placed(_) => 2,
            _ => 1,
        }
    }
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        stored_name(self).to_owned()
    }

    fn event_version(&self) -> String {
        self.schema_version().to_string()
    }
}
