//! Commands to an order alone; those that touch stock or money are in `checkout`.

use domain::order::OrderCommand;
use domain::{Decide, OrderId, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Asks one order.
#[derive(Debug, Clone)]
pub struct AskOrder {
    pub name: &'static str,
    pub order: OrderId,
    pub command: OrderCommand,
}

impl Command for AskOrder {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.order.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let events = states.order(self.order)?.decide(&self.command, now)?;
        Ok(changes(self.order.stream(), events))
    }
}
