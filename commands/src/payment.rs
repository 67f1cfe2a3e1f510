//! The command that records what the payment provider reports. Commands that also write the order
//! are in `checkout`.

use chrono::TimeDelta;
use domain::payment::{Fact, PaymentCommand};
use domain::{Decide, PaymentId, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// The shop's settings for payments.
#[derive(Debug, Clone, Copy)]
pub struct PaymentPolicy {
    /// The longest that stock stays reserved while a payment is under way, counted from the placing
    /// of the order.
    pub reserve_at_most: TimeDelta,
    /// How long an authorisation is valid if the provider does not say, counted from the start of
    /// the payment.
    pub hold_for: TimeDelta,
    /// The wait before the provider is called again; each next one is twice as long.
    pub retry_after: TimeDelta,
}

/// Records a fact that the provider reported.
#[derive(Debug, Clone)]
pub struct RecordFact {
    pub payment: PaymentId,
    pub fact: Fact,
    pub policy: PaymentPolicy,
}

impl Command for RecordFact {
    fn name(&self) -> &'static str {
        "recordFact"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.payment.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let payment = states.payment(self.payment)?;
        let begun = payment.existing()?.created_at;
        let held_until = begun.checked_add_signed(self.policy.hold_for);
        let fact = self.fact.clone().expiring(held_until);
        let events = payment.decide(&PaymentCommand::Record(fact), now)?;
        Ok(changes(self.payment.stream(), events))
    }
}
