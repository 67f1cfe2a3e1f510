//! Money is held for a time only: before it is let go it is captured, or somebody is told.

use super::requests::next_request;
use super::{CaptureMode, PaymentDetails, PaymentEvent};
use crate::Timestamp;

/// The last part of the time for which money is held is for capturing it: one in so many.
const LAST_PART: i32 = 8;

/// When to capture, or to tell somebody, at the latest.
pub fn capture_deadline(authorized_at: Timestamp, expires_at: Timestamp) -> Timestamp {
    expires_at - (expires_at - authorized_at) / LAST_PART
}

impl PaymentDetails {
    pub(crate) fn is_hold_over(&self, now: Timestamp) -> bool {
        self.expired || self.authorization_expires_at.is_some_and(|end| end <= now)
    }

    /// Not all of it is taken, and what is not was not let go.
    pub(super) fn may_hold(&self) -> bool {
        !self.released && !self.expired && self.captured() < self.amount.amount
    }

    /// Before the end: what the shop has decided to take is asked for once more, and for what it has
    /// not decided on a person is. At the end it has expired, whether or not the provider says so.
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
            events.extend(self.flag("its authorisation runs out: capture it or let it go", at));
        }
        events
    }
}
