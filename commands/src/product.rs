//! Commands to a product.

use domain::product::ProductCommand;
use domain::{Decide, Sku, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Asks one product, by its SKU.
#[derive(Debug, Clone)]
pub struct AskProduct {
    pub name: &'static str,
    pub sku: Sku,
    pub command: ProductCommand,
}

impl Command for AskProduct {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.sku.product())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let events = states.product(&self.sku)?.decide(&self.command, now)?;
        Ok(changes(self.sku.product(), events))
    }
}
