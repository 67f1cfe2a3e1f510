//! The events of a cart. These names and fields are the storage format: add, never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::coupon::CouponCode;
use crate::{CartId, CustomerId, Money, OrderId, Quantity, Sku, Timestamp, stored_name};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CartEvent {
    #[serde(rename = "cart.created")]
    Created {
        owner: Owner,
        /// The cart expires after this many seconds without a change.
        idle_seconds: u32,
        at: Timestamp,
    },
    /// A SKU that was not in the cart before, at its current price.
    #[serde(rename = "cart.line_added")]
    LineAdded { sku: Sku, quantity: Quantity, unit_price: Money, at: Timestamp },
    /// `quantity` is the new quantity, not the difference.
    #[serde(rename = "cart.line_quantity_changed")]
    LineQuantityChanged { sku: Sku, quantity: Quantity, at: Timestamp },
    #[serde(rename = "cart.line_removed")]
    LineRemoved { sku: Sku, at: Timestamp },
    #[serde(rename = "cart.cleared")]
    Cleared { at: Timestamp },
    /// The line's price was updated to the product's.
    #[serde(rename = "cart.line_repriced")]
    LineRepriced { sku: Sku, unit_price: Money, at: Timestamp },
    /// It replaces the coupon that was applied before, if any.
    #[serde(rename = "cart.coupon_applied")]
    CouponApplied { code: CouponCode, at: Timestamp },
    #[serde(rename = "cart.coupon_removed")]
    CouponRemoved { code: CouponCode, at: Timestamp },
    /// A guest's cart ended: its lines were added to a customer's cart.
    #[serde(rename = "cart.merged")]
    Merged { into: CartId, at: Timestamp },
    /// A guest's cart now belongs to a customer.
    #[serde(rename = "cart.assigned")]
    Assigned { customer: CustomerId, at: Timestamp },
    #[serde(rename = "cart.checked_out")]
    CheckedOut { order: OrderId, at: Timestamp },
    #[serde(rename = "cart.expired")]
    Expired { at: Timestamp },
}

/// Who owns a cart or has placed an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// A guest, who is not signed in: any client with the cart's token may use the cart.
    Guest,
    Customer(CustomerId),
}

impl CartEvent {
    /// When the event was decided.
    pub fn at(&self) -> Timestamp {
        match self {
            CartEvent::Created { at, .. }
            | CartEvent::LineAdded { at, .. }
            | CartEvent::LineQuantityChanged { at, .. }
            | CartEvent::LineRemoved { at, .. }
            | CartEvent::Cleared { at, .. }
            | CartEvent::LineRepriced { at, .. }
            | CartEvent::CouponApplied { at, .. }
            | CartEvent::CouponRemoved { at, .. }
            | CartEvent::Merged { at, .. }
            | CartEvent::Assigned { at, .. }
            | CartEvent::CheckedOut { at, .. }
            | CartEvent::Expired { at, .. } => *at,
        }
    }

    /// The version of the payload that this program writes; [`crate::upcasters`] lift older ones.
    pub fn schema_version(&self) -> i16 {
        match self {
            // Version 2 added `idle_seconds`.
            CartEvent::Created { .. } => 2,
            _ => 1,
        }
    }
}

impl DomainEvent for CartEvent {
    fn event_type(&self) -> String {
        stored_name(self).to_owned()
    }

    fn event_version(&self) -> String {
        self.schema_version().to_string()
    }
}
