//! The customers of a generated shop: 200 at a time; each one that leaves is replaced.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta};
use domain::inventory::{Inventory, InventoryCommand};
use domain::product::{Product, ProductCommand};
use domain::{Currency, Decide, Money, OrderId, Sku, Text, checkout};
use event_store::RecordedEvent;

use super::customer::{Customer, Step};
use super::log::{HistoryLog, Origin, changes_of};
use crate::error::BenchError;

/// Products, each with stock for more than a million events.
const SKUS: usize = 500;
const STOCK: u32 = 1_000_000;
/// Number of customers who are in the shop at once.
const CUSTOMERS: usize = 200;

#[derive(Debug)]
pub struct GeneratedShop {
    log: HistoryLog,
    skus: Vec<Sku>,
    customers: VecDeque<Customer>,
    /// Number of customers who have entered so far.
    count: usize,
    /// Orders that will not be paid, the oldest first.
    unpaid: VecDeque<OrderId>,
}

impl GeneratedShop {
    pub fn open() -> Result<GeneratedShop, BenchError> {
        let began = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let mut log = HistoryLog::new(began);
        let skus =
            (0..SKUS).map(|n| format!("SKU-{n:04}").parse()).collect::<Result<Vec<_>, _>>()?;
        for sku in &skus {
            list(&mut log, sku)?;
        }
        let customers = (0..CUSTOMERS).map(Customer::new).collect();
        Ok(GeneratedShop { log, skus, customers, count: CUSTOMERS, unpaid: VecDeque::new() })
    }

    /// Lets the next customer take a step, and returns the events since the last call.
    pub fn advance(&mut self) -> Result<Vec<RecordedEvent>, BenchError> {
        if let Some(mut customer) = self.customers.pop_front() {
            match customer.step(&mut self.log, &self.skus)? {
                Step::Stays => self.customers.push_back(customer),
                Step::Leaves { unpaid } => {
                    self.unpaid.extend(unpaid);
                    self.customers.push_back(Customer::new(self.count));
                    self.count += 1;
                }
            }
        }
        self.expire()?;
        Ok(std::mem::take(&mut self.log.events))
    }

    /// Expires the oldest unpaid order, if its time is over.
    fn expire(&mut self) -> Result<(), BenchError> {
        let Some(id) = self.unpaid.front().copied() else { return Ok(()) };
        let order = self.log.order(id)?;
        let decided = checkout::expire((id, order), &self.log.related(order)?, self.log.now);
        if decided.as_ref().is_ok_and(Vec::is_empty) {
            return Ok(());
        }
        let actor = "system:deadlines".to_owned();
        self.log.append(Origin { command: "orderExpire", actor, caused_by: None }, decided)?;
        self.log.forget(id.stream());
        self.unpaid.pop_front();
        Ok(())
    }
}

/// Creates a product and registers its stock.
fn list(log: &mut HistoryLog, sku: &Sku) -> Result<(), BenchError> {
    let origin = |command| Origin { command, actor: "staff:1".to_owned(), caused_by: None };
    let create = ProductCommand::Create {
        sku: sku.clone(),
        name: Text::new(&format!("The \"{sku}\", in blue"), Text::SHORT)?,
        description: Some(Text::new("Made by hand, and meant to last.", Text::LONG)?),
        image_url: None,
        price: Money::new(1_999, Currency::USD),
    };
    let register = InventoryCommand::Register {
        sku: sku.clone(),
        on_hand: STOCK,
        reorder_level: 1_000,
        reorder_quantity: 10_000,
    };
    let created = Product::Absent.decide(&create, log.now);
    log.append(origin("productCreate"), changes_of(sku.product(), created))?;
    let registered = Inventory::Absent.decide(&register, log.now);
    log.append(origin("inventoryRegister"), changes_of(sku.inventory(), registered))?;
    Ok(())
}
