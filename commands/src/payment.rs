//! Commands to a payment alone; those that touch its order are in `checkout`.

use domain::payment::PaymentCommand;
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
