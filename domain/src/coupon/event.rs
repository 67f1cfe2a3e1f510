//! The events of a coupon. These names and fields are the storage format: add, never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{CouponCode, CouponTerms};
use crate::{Money, OrderId, Timestamp, stored_name};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CouponEvent {
    #[serde(rename = "coupon.created")]
    Created { code: CouponCode, terms: CouponTerms, at: Timestamp },
    #[serde(rename = "coupon.redeemed")]
    Redeemed { order: OrderId, discount: Money, at: Timestamp },
    /// The order was cancelled or has expired, so another order may use the coupon.
    #[serde(rename = "coupon.released")]
    Released { order: OrderId, at: Timestamp },
    #[serde(rename = "coupon.disabled")]
    Disabled { at: Timestamp },
}

impl DomainEvent for CouponEvent {
    fn event_type(&self) -> String {
        stored_name(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
