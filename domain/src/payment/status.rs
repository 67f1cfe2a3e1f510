//! The status of a payment and its amounts, derived from what the provider has reported.

use serde::{Deserialize, Serialize};

use super::amounts::{pending_amount, sum};
use super::follow_up::retry_amount;
use super::{Dispute, DisputeOutcome, PaymentDetails};
use crate::order::PaymentOutcome;
use crate::{Money, Timestamp, stored_name};

/// Its name is stored in read models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    Pending,
    RequiresAction,
    Processing,
    Authorized,
    PartiallyCaptured,
    Captured,
    PartiallyRefunded,
    Refunded,
    Failed,
    Cancelled,
    Expired,
    Disputed,
    Unknown,
}

impl PaymentStatus {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }
}

impl PaymentDetails {
    /// The conditions are checked in this order, whatever the order in which facts arrived: the
    /// first that is true gives the status.
    pub fn status(&self) -> PaymentStatus {
        let (captured, refunded) = (self.captured(), self.refunded());
        if self.is_disputed() {
            PaymentStatus::Disputed
        } else if refunded > 0 && refunded >= captured {
            PaymentStatus::Refunded
        } else if refunded > 0 {
            PaymentStatus::PartiallyRefunded
        } else if captured >= self.amount.amount || (captured > 0 && self.released) {
            PaymentStatus::Captured
        } else if captured > 0 {
            PaymentStatus::PartiallyCaptured
        } else if self.released {
            PaymentStatus::Cancelled
        } else if self.expired {
            PaymentStatus::Expired
        } else if self.authorized > 0 {
            PaymentStatus::Authorized
        } else if self.failure.is_some() {
            PaymentStatus::Failed
        } else if self.silences > 0 {
            PaymentStatus::Unknown
        } else if self.processing {
            PaymentStatus::Processing
        } else if self.action_required {
            PaymentStatus::RequiresAction
        } else {
            PaymentStatus::Pending
        }
    }

    /// The status at this time: if the authorisation's end has passed, it is expired, even before
    /// an event records that.
    pub fn status_at(&self, now: Timestamp) -> PaymentStatus {
        match self.status() {
            PaymentStatus::Authorized if self.is_hold_over(now) => PaymentStatus::Expired,
            status => status,
        }
    }

    /// Whether the payment can still succeed, so that no other payment of the order may start.
    pub fn is_open(&self) -> bool {
        !self.is_closed()
    }

    fn is_closed(&self) -> bool {
        matches!(
            self.status(),
            PaymentStatus::Failed | PaymentStatus::Cancelled | PaymentStatus::Expired
        )
    }

    /// Minor units, as are all the amounts below.
    pub fn captured(&self) -> i64 {
        sum(self.captures.values())
    }

    /// The captures that are requested, and the refused ones that will be requested again.
    pub fn capture_pending(&self) -> i64 {
        pending_amount(&self.capture_requests).saturating_add(retry_amount(&self.capture_requests))
    }

    pub fn refunded(&self) -> i64 {
        sum(self.refunds.values())
    }

    /// The refunds that are requested, and the refused ones that will be requested again.
    pub fn refund_pending(&self) -> i64 {
        pending_amount(&self.refund_requests).saturating_add(retry_amount(&self.refund_requests))
    }

    /// The amount that the customer's bank has claimed back, in open and lost disputes.
    pub fn disputed(&self) -> i64 {
        sum(self.open_or_lost().map(|dispute| &dispute.amount))
    }

    /// The amount that went back to the customer's bank in lost disputes.
    pub fn charged_back(&self) -> i64 {
        let lost = self.open_or_lost().filter(|dispute| dispute.outcome == DisputeOutcome::Lost);
        sum(lost.map(|dispute| &dispute.amount))
    }

    /// A lost dispute counts too: its money is gone without a refund by the shop.
    fn is_disputed(&self) -> bool {
        self.open_or_lost().next().is_some()
    }

    fn open_or_lost(&self) -> impl Iterator<Item = &Dispute> {
        self.disputes.values().filter(|dispute| dispute.outcome != DisputeOutcome::Won)
    }

    /// The amount that was authorised and released without being captured.
    pub fn voided(&self) -> i64 {
        if self.released { (self.authorized - self.captured()).max(0) } else { 0 }
    }

    pub fn capturable(&self) -> i64 {
        if self.released || self.expired {
            return 0;
        }
        (self.authorized - self.captured()).saturating_sub(self.capture_pending()).max(0)
    }

    pub fn refundable(&self) -> i64 {
        let gone = self.refunded().saturating_add(self.disputed());
        self.captured().saturating_sub(gone).saturating_sub(self.refund_pending()).max(0)
    }

    pub fn money(&self, amount: i64) -> Money {
        Money::new(amount, self.amount.currency)
    }

    /// The payment as its order records it.
    pub fn outcome(&self) -> PaymentOutcome {
        PaymentOutcome {
            authorized: self.authorized,
            captured: self.captured(),
            closed: self.is_closed(),
            disputed: self.status() == PaymentStatus::Disputed,
        }
    }
}
