//! What can happen to a cart. These names and fields are the storage format: add, never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::coupon::CouponCode;
use crate::{CartId, CustomerId, Money, OrderId, Quantity, Sku, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CartEvent {
    #[serde(rename = "cart.created")]
    Created {
        owner: Owner,
        /// Seconds without a touch after which it expires.
        idle_seconds: u32,
        at: Timestamp,
    },
    /// A SKU that was not in the cart, with the price it had then.
    #[serde(rename = "cart.line_added")]
    LineAdded { sku: Sku, quantity: Quantity, unit_price: Money, at: Timestamp },
    /// The quantity as it now is.
    #[serde(rename = "cart.line_quantity_changed")]
    LineQuantityChanged { sku: Sku, quantity: Quantity, at: Timestamp },
    #[serde(rename = "cart.line_removed")]
    LineRemoved { sku: Sku, at: Timestamp },
    #[serde(rename = "cart.cleared")]
    Cleared { at: Timestamp },
    /// The captured price was brought up to date.
    #[serde(rename = "cart.line_repriced")]
    LineRepriced { sku: Sku, unit_price: Money, at: Timestamp },
    /// In the place of any that was there.
    #[serde(rename = "cart.coupon_applied")]
    CouponApplied { code: CouponCode, at: Timestamp },
    #[serde(rename = "cart.coupon_removed")]
    CouponRemoved { code: CouponCode, at: Timestamp },
    /// A guest's cart ended: its lines went into a customer's.
    #[serde(rename = "cart.merged")]
    Merged { into: CartId, at: Timestamp },
    /// A guest's cart became a customer's.
    #[serde(rename = "cart.assigned")]
    Assigned { customer: CustomerId, at: Timestamp },
    #[serde(rename = "cart.checked_out")]
    CheckedOut { order: OrderId, at: Timestamp },
    #[serde(rename = "cart.expired")]
    Expired { at: Timestamp },
}

/// Whose cart it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// Whoever holds the cart's token.
    Guest,
    Customer(CustomerId),
}

impl CartEvent {
    pub fn name(&self) -> &'static str {
        match self {
            CartEvent::Created { .. } => "cart.created",
            CartEvent::LineAdded { .. } => "cart.line_added",
            CartEvent::LineQuantityChanged { .. } => "cart.line_quantity_changed",
            CartEvent::LineRemoved { .. } => "cart.line_removed",
            CartEvent::Cleared { .. } => "cart.cleared",
            CartEvent::LineRepriced { .. } => "cart.line_repriced",
            CartEvent::CouponApplied { .. } => "cart.coupon_applied",
            CartEvent::CouponRemoved { .. } => "cart.coupon_removed",
            CartEvent::Merged { .. } => "cart.merged",
            CartEvent::Assigned { .. } => "cart.assigned",
            CartEvent::CheckedOut { .. } => "cart.checked_out",
            CartEvent::Expired { .. } => "cart.expired",
        }
    }
}

impl CartEvent {
    /// What this program writes today; [`crate::upcasters`] lifts what older ones wrote.
    pub fn schema_version(&self) -> i16 {
        match self {
            CartEvent::Created { .. } => 2,
            _ => 1,
        }
    }
}

impl DomainEvent for CartEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.schema_version().to_string()
    }
}
