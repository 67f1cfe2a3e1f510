//! Commands to a payment alone; those that touch its order are in `checkout`.

use chrono::TimeDelta;
use domain::payment::{Fact, PaymentCommand};
use domain::{Decide, PaymentId, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Asks one payment, or records what its provider says.
#[derive(Debug, Clone)]
pub struct AskPayment {
    pub name: &'static str,
    pub payment: PaymentId,
    pub command: PaymentCommand,
}

impl Command for AskPayment {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.payment.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let events = states.payment(self.payment)?.decide(&self.command, now)?;
        Ok(changes(self.payment.stream(), events))
    }
}

/// What the shop's owner decided about payments.
#[derive(Debug, Clone, Copy)]
pub struct PaymentPolicy {
    /// How long, from placing, stock is kept while a payment is under way.
    pub reserve_at_most: TimeDelta,
    /// For how long held money is taken to be held, from the start of the payment, where the provider
    /// does not say.
    pub hold_for: TimeDelta,
    /// The first wait before the provider is turned to again; each next one is twice as long.
    pub retry_after: TimeDelta,
}

/// Records what the provider says.
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
