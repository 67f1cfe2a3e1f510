//! A payment's amounts are the truth; its status is derived from them.

use serde::{Deserialize, Serialize};

use super::{Attempt, Request};
use crate::Money;
use crate::order::PaymentOutcome;

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

impl Attempt {
    /// The first that holds; whatever order the facts came in, it is the same.
    pub fn status(&self) -> PaymentStatus {
        let (captured, refunded) = (self.captured(), self.refunded());
        match () {
            () if self.disputes.values().any(|open| *open) => PaymentStatus::Disputed,
            () if refunded > 0 && refunded >= captured => PaymentStatus::Refunded,
            () if refunded > 0 => PaymentStatus::PartiallyRefunded,
            () if captured >= self.amount.amount => PaymentStatus::Captured,
            () if captured > 0 && self.released => PaymentStatus::Captured,
            () if captured > 0 => PaymentStatus::PartiallyCaptured,
            () if self.released => PaymentStatus::Cancelled,
            () if self.expired => PaymentStatus::Expired,
            () if self.authorized > 0 => PaymentStatus::Authorized,
            () if self.failure.is_some() => PaymentStatus::Failed,
            () if self.unknown => PaymentStatus::Unknown,
            () if self.processing => PaymentStatus::Processing,
            () if self.action_required => PaymentStatus::RequiresAction,
            () => PaymentStatus::Pending,
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

    pub fn capture_pending(&self) -> i64 {
        pending(&self.capture_requests)
    }

    pub fn refunded(&self) -> i64 {
        sum(self.refunds.values())
    }

    pub fn refund_pending(&self) -> i64 {
        pending(&self.refund_requests)
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
        (self.captured() - self.refunded()).saturating_sub(self.refund_pending()).max(0)
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

fn pending(requests: &std::collections::BTreeMap<u32, Request>) -> i64 {
    sum(requests.values().filter(|request| request.pending).map(|request| &request.amount))
}

/// What the provider reports is taken as it is, so even absurd amounts must add up to something.
fn sum<'a>(amounts: impl Iterator<Item = &'a i64>) -> i64 {
    amounts.fold(0, |sum, amount| sum.saturating_add(*amount))
}
