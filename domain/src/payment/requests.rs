//! Requests to the provider: never more than is authorised or captured.

use super::amounts::{next_request, pending_amount};
use super::{Decision, PaymentDetails, PaymentError, PaymentEvent, PaymentMethod};
use crate::{Money, Timestamp};

impl PaymentDetails {
    pub(super) fn request_capture(&self, amount: Option<Money>, at: Timestamp) -> Decision {
        if self.method == PaymentMethod::CashOnDelivery {
            return self.collect_cash(amount, at);
        }
        let capturable = self.capturable();
        if capturable == 0 || self.is_hold_over(at) {
            return Err(PaymentError::NotCapturable);
        }
        let amount = self.capturable_part(capturable, amount)?;
        let request = next_request(&self.capture_requests);
        Ok(vec![PaymentEvent::CaptureRequested { request, amount, at }])
    }

    /// Cash needs no provider: staff record that the customer has paid.
    fn collect_cash(&self, amount: Option<Money>, at: Timestamp) -> Decision {
        if self.released || self.captured() > 0 {
            return Err(PaymentError::NotCapturable);
        }
        let amount = self.capturable_part(self.amount.amount, amount)?;
        Ok(vec![PaymentEvent::Captured { object: "cash".into(), amount, request: None, at }])
    }

    pub(super) fn request_void(&self, at: Timestamp) -> Decision {
        if self.void.pending || self.released {
            return Ok(vec![]);
        }
        let captured = self.captured().saturating_add(pending_amount(&self.capture_requests));
        if self.expired || captured >= self.amount.amount {
            return Err(PaymentError::NotVoidable);
        }
        if self.method == PaymentMethod::CashOnDelivery {
            return Ok(vec![PaymentEvent::Cancelled { at }]);
        }
        Ok(vec![PaymentEvent::VoidRequested { at }])
    }

    pub(super) fn request_refund(&self, amount: Option<Money>, at: Timestamp) -> Decision {
        let refundable = self.refundable();
        if refundable == 0 {
            return Err(PaymentError::NotRefundable);
        }
        let amount = self.refundable_part(refundable, amount)?;
        if self.method == PaymentMethod::CashOnDelivery {
            let object = format!("cash-{}", self.refunds.len() + 1);
            return Ok(vec![PaymentEvent::Refunded { object, amount, request: None, at }]);
        }
        let request = next_request(&self.refund_requests);
        Ok(vec![PaymentEvent::RefundRequested { request, amount, at }])
    }

    /// Requests the void and the refund that are possible. A void that was refused before is left
    /// to the follow-up.
    pub(super) fn unwind(&self, at: Timestamp) -> Vec<PaymentEvent> {
        let mut events = vec![];
        if (self.failure.is_none() || self.authorized > 0) && !self.awaits_void_retry() {
            events.extend(self.request_void(at).unwrap_or_default());
        }
        events.extend(self.request_refund(None, at).unwrap_or_default());
        events
    }

    /// The amount to capture: the given one, or else `most`.
    fn capturable_part(&self, most: i64, wanted: Option<Money>) -> Result<Money, PaymentError> {
        let (most, wanted) = self.must_be_positive(most, wanted)?;
        if wanted.amount > most.amount {
            return Err(PaymentError::ExceedsAuthorized { most, wanted });
        }
        Ok(wanted)
    }

    /// The amount to refund: the given one, or else `most`.
    fn refundable_part(&self, most: i64, wanted: Option<Money>) -> Result<Money, PaymentError> {
        let (most, wanted) = self.must_be_positive(most, wanted)?;
        if wanted.amount > most.amount {
            return Err(PaymentError::ExceedsCaptured { most, wanted });
        }
        Ok(wanted)
    }

    fn must_be_positive(
        &self,
        most: i64,
        wanted: Option<Money>,
    ) -> Result<(Money, Money), PaymentError> {
        let (most, currency) = (self.money(most), self.amount.currency);
        let wanted = wanted.unwrap_or(most);
        if wanted.currency != currency || wanted.amount <= 0 {
            return Err(PaymentError::InvalidAmount { amount: wanted, currency });
        }
        Ok((most, wanted))
    }
}
