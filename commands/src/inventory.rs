//! Commands to the stock of a SKU.

use domain::inventory::InventoryCommand;
use domain::product::{Product, ProductError};
use domain::{Decide, Sku, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Asks one stock, by its SKU.
#[derive(Debug, Clone)]
pub struct AskInventory {
    pub name: &'static str,
    pub sku: Sku,
    pub command: InventoryCommand,
}

impl Command for AskInventory {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.sku.inventory())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let registers = matches!(self.command, InventoryCommand::Register { .. });
        if registers && *states.product(&self.sku)? == Product::Absent {
            return Err(ProductError::NotFound(self.sku.clone()).into());
        }
        let events = states.inventory(&self.sku)?.decide(&self.command, now)?;
        Ok(changes(self.sku.inventory(), events))
    }
}
