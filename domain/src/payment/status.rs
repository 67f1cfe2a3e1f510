//! A payment's amounts are the truth; its status is derived from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::follow_up::waiting;
use super::{Dispute, DisputeOutcome, MoneyRequest, PaymentDetails};
use crate::order::PaymentOutcome;
use crate::{Money, Timestamp};

/// Stored by name in read models.
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
    pub fn as_str(self) -> &'static str {
        match self {
            PaymentStatus::Pending => "PENDING",
            PaymentStatus::RequiresAction => "REQUIRES_ACTION",
            PaymentStatus::Processing => "PROCESSING",
            PaymentStatus::Authorized => "AUTHORIZED",
            PaymentStatus::PartiallyCaptured => "PARTIALLY_CAPTURED",
            PaymentStatus::Captured => "CAPTURED",
            PaymentStatus::PartiallyRefunded => "PARTIALLY_REFUNDED",
            PaymentStatus::Refunded => "REFUNDED",
            PaymentStatus::Failed => "FAILED",
            PaymentStatus::Cancelled => "CANCELLED",
            PaymentStatus::Expired => "EXPIRED",
            PaymentStatus::Disputed => "DISPUTED",
            PaymentStatus::Unknown => "UNKNOWN",
        }
    }
}

impl PaymentDetails {
    /// The first that holds; whatever order the facts came in, it is the same.
    pub fn status(&self) -> PaymentStatus {
        let (captured, refunded) = (self.captured(), self.refunded());
        match () {
            () if self.is_disputed() => PaymentStatus::Disputed,
            () if refunded > 0 && refunded >= captured => PaymentStatus::Refunded,
            () if refunded > 0 => PaymentStatus::PartiallyRefunded,
            () if captured >= self.amount.amount => PaymentStatus::Captured,
            () if captured > 0 && self.released => PaymentStatus::Captured,
            () if captured > 0 => PaymentStatus::PartiallyCaptured,
            () if self.released => PaymentStatus::Cancelled,
            () if self.expired => PaymentStatus::Expired,
            () if self.authorized > 0 => PaymentStatus::Authorized,
            () if self.failure.is_some() => PaymentStatus::Failed,
            () if self.silences > 0 => PaymentStatus::Unknown,
            () if self.processing => PaymentStatus::Processing,
            () if self.action_required => PaymentStatus::RequiresAction,
            () => PaymentStatus::Pending,
        }
    }

    /// Likewise, at this moment: an authorisation that has run out has, whether or not anybody has
    /// said so.
    pub fn status_at(&self, now: Timestamp) -> PaymentStatus {
        match self.status() {
            PaymentStatus::Authorized if self.is_hold_over(now) => PaymentStatus::Expired,
            status => status,
        }
    }

    /// The provider may still bring money: no other attempt may begin.
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

    /// Asked for, or to be asked for anew.
    pub fn capture_pending(&self) -> i64 {
        in_flight(&self.capture_requests).saturating_add(waiting(&self.capture_requests))
    }

    pub fn refunded(&self) -> i64 {
        sum(self.refunds.values())
    }

    /// Asked for, or to be asked for anew.
    pub fn refund_pending(&self) -> i64 {
        in_flight(&self.refund_requests).saturating_add(waiting(&self.refund_requests))
    }

    /// What the customer's bank wants back, or has taken back.
    pub fn disputed(&self) -> i64 {
        sum(self.open_or_lost().map(|dispute| &dispute.amount))
    }

    /// What the customer's bank has taken back.
    pub fn charged_back(&self) -> i64 {
        let lost = self.open_or_lost().filter(|dispute| dispute.outcome == DisputeOutcome::Lost);
        sum(lost.map(|dispute| &dispute.amount))
    }

    /// A dispute that is lost stays one: its money is gone, and nobody has refunded it.
    fn is_disputed(&self) -> bool {
        self.open_or_lost().next().is_some()
    }

    fn open_or_lost(&self) -> impl Iterator<Item = &Dispute> {
        self.disputes.values().filter(|dispute| dispute.outcome != DisputeOutcome::Won)
    }

    /// What was authorised and let go.
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

/// Asked for, and not known what became of it.
pub(super) fn in_flight(requests: &BTreeMap<u32, MoneyRequest>) -> i64 {
    sum(requests.values().filter(|request| request.pending).map(|request| &request.amount))
}

/// What the provider reports is taken as it is, so even absurd amounts must add up to something.
pub(super) fn sum<'a>(amounts: impl Iterator<Item = &'a i64>) -> i64 {
    amounts.fold(0, |sum, amount| sum.saturating_add(*amount))
}
