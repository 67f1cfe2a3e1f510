//! What the shop asks of the provider: never more than there is.

use std::collections::BTreeMap;

use super::status::in_flight;
use super::{MoneyRequest, PaymentDetails, PaymentError, PaymentEvent, PaymentMethod};
use crate::{Money, Timestamp};

impl PaymentDetails {
    pub(super) fn request_capture(
        &self,
        amount: Option<Money>,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.method == PaymentMethod::CashOnDelivery {
            return self.collect_cash(amount, at);
        }
        let capturable = self.capturable();
        if capturable == 0 || self.is_hold_over(at) {
            return Err(PaymentError::NotCapturable);
        }
        let amount = self.part_of(capturable, amount, PaymentError::ExceedsAuthorized)?;
        let request = next_request(&self.capture_requests);
        Ok(vec![PaymentEvent::CaptureRequested { request, amount, at }])
    }

    /// Cash needs no provider: staff say that it was handed over.
    fn collect_cash(
        &self,
        amount: Option<Money>,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.released || self.captured() > 0 {
            return Err(PaymentError::NotCapturable);
        }
        let amount = self.part_of(self.amount.amount, amount, PaymentError::ExceedsAuthorized)?;
        Ok(vec![PaymentEvent::Captured { object: "cash".into(), amount, request: None, at }])
    }

    pub(super) fn request_void(&self, at: Timestamp) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.void.pending || self.released {
            return Ok(vec![]);
        }
        let taken = self.captured().saturating_add(in_flight(&self.capture_requests));
        if self.expired || taken >= self.amount.amount {
            return Err(PaymentError::NotVoidable);
        }
        if self.method == PaymentMethod::CashOnDelivery {
            return Ok(vec![PaymentEvent::Cancelled { at }]);
        }
        Ok(vec![PaymentEvent::VoidRequested { at }])
    }

    pub(super) fn request_refund(
        &self,
        amount: Option<Money>,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        let refundable = self.refundable();
        if refundable == 0 {
            return Err(PaymentError::NotRefundable);
        }
        let amount = self.part_of(refundable, amount, PaymentError::ExceedsCaptured)?;
        if self.method == PaymentMethod::CashOnDelivery {
            let object = format!("cash-{}", self.refunds.len() + 1);
            return Ok(vec![PaymentEvent::Refunded { object, amount, request: None, at }]);
        }
        let request = next_request(&self.refund_requests);
        Ok(vec![PaymentEvent::RefundRequested { request, amount, at }])
    }

    /// What was refused before is left to the follow-up.
    pub(super) fn unwind(&self, at: Timestamp) -> Vec<PaymentEvent> {
        let mut events = vec![];
        if (self.failure.is_none() || self.authorized > 0) && !self.void_waits() {
            events.extend(self.request_void(at).unwrap_or_default());
        }
        events.extend(self.request_refund(None, at).unwrap_or_default());
        events
    }

    fn part_of(
        &self,
        most: i64,
        amount: Option<Money>,
        exceeds: fn(Money) -> PaymentError,
    ) -> Result<Money, PaymentError> {
        let amount = amount.unwrap_or(self.money(most));
        if amount.currency != self.amount.currency || amount.amount <= 0 {
            return Err(PaymentError::InvalidAmount);
        }
        if amount.amount > most {
            return Err(exceeds(self.money(most)));
        }
        Ok(amount)
    }
}

pub(super) fn next_request(requests: &BTreeMap<u32, MoneyRequest>) -> u32 {
    requests.last_key_value().map_or(1, |(request, _)| request + 1)
}
