//! An authorisation holds money for a limited time. Before it expires, the shop captures the money
//! or flags the payment for a person.

use super::amounts::next_request;
use super::{CaptureMode, PaymentDetails, PaymentEvent};
use crate::Timestamp;

/// The last eighth of the time is reserved for capturing the money.
const LAST_PART: i32 = 8;

/// The latest time at which the shop captures the money or flags the payment for a person.
pub fn capture_deadline(authorized_at: Timestamp, expires_at: Timestamp) -> Timestamp {
    expires_at - (expires_at - authorized_at) / LAST_PART
}

impl PaymentDetails {
    pub(crate) fn is_hold_over(&self, now: Timestamp) -> bool {
        self.expired || self.authorization_expires_at.is_some_and(|end| end <= now)
    }

    /// Whether some money is authorised, and neither captured, nor released, nor expired.
    pub(super) fn has_held_money(&self) -> bool {
        !self.released && !self.expired && self.captured() < self.amount.amount
    }

    /// Shortly before the authorisation ends, the shop captures the other part, if it captures
    /// automatically and has captured some; otherwise it flags the payment for a person. At its end
    /// the authorisation expires, even if the provider does not report that.
    pub(super) fn end_hold(&self, at: Timestamp) -> Vec<PaymentEvent> {
        let Some(expires_at) = self.authorization_expires_at else { return vec![] };
        if expires_at <= at {
            return vec![PaymentEvent::Expired { at }];
        }
        if self.expiry_noticed {
            return vec![];
        }
        let mut events = vec![PaymentEvent::AuthorizationExpiring { expires_at, at }];
        let left = self.capturable();
        if left == 0 || self.void.pending {
            return events;
        }
        if self.capture == CaptureMode::Automatic && !self.capture_requests.is_empty() {
            let (request, amount) = (next_request(&self.capture_requests), self.money(left));
            events.push(PaymentEvent::CaptureRequested { request, amount, at });
        } else {
            events.extend(self.flag("its authorisation expires soon: capture or void it", at));
        }
        events
    }
}
