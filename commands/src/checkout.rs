//! Commands over several streams: each gathers the states it needs and calls the domain.

use std::collections::BTreeMap;

use domain::cart::Cart;
use domain::checkout::{self, PlaceOrder, Shelf, StartPayment, Stocks};
use domain::order::{CancelReason, Order};
use domain::{OrderId, PaymentId, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States};

impl Command for PlaceOrder {
    fn name(&self) -> &'static str {
        "orderPlace"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.order.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let cart = states.cart(self.cart)?;
        let mut shelves = BTreeMap::new();
        if let Cart::Active(basket) = cart {
            for line in &basket.lines {
                let product = states.product(&line.sku)?;
                let inventory = states.inventory(&line.sku)?;
                shelves.insert(line.sku.clone(), Shelf { product, inventory });
            }
        }
        Ok(checkout::place(self, cart, &shelves, now)?)
    }
}

impl Command for StartPayment {
    fn name(&self) -> &'static str {
        "paymentStart"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.payment.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let order = states.order(self.order)?;
        let latest = order.details().and_then(|details| details.latest_payment);
        let latest = latest.map(|id| states.payment(id)).transpose()?;
        Ok(checkout::start_payment(self, order, latest, &stocks(order, states)?, now)?)
    }
}

/// Brings an order in line with one of its payments.
#[derive(Debug, Clone, Copy)]
pub struct Settle(pub PaymentId);

impl Command for Settle {
    fn name(&self) -> &'static str {
        "settle"
    }

    fn subject(&self) -> Option<StreamId> {
        None
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let payment = states.payment(self.0)?;
        let id = payment.existing()?.order;
        let order = states.order(id)?;
        let stocks = stocks(order, states)?;
        Ok(checkout::settle((id, order), (self.0, payment), &stocks, now)?)
    }
}

/// Gives back what the payments of a cancelled order have brought.
#[derive(Debug, Clone, Copy)]
pub struct UnwindPayments(pub OrderId);

impl Command for UnwindPayments {
    fn name(&self) -> &'static str {
        "unwindPayments"
    }

    fn subject(&self) -> Option<StreamId> {
        None
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let mut changes = vec![];
        for id in states.order(self.0)?.existing()?.payments.keys() {
            changes.extend(checkout::unwind((*id, states.payment(*id)?), now)?);
        }
        Ok(changes)
    }
}

/// Cancels an order on which nothing has been shipped.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    pub order: OrderId,
    pub reason: CancelReason,
}

impl Command for CancelOrder {
    fn name(&self) -> &'static str {
        "orderCancel"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.order.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let order = states.order(self.order)?;
        let stocks = stocks(order, states)?;
        Ok(checkout::cancel((self.order, order), &stocks, &self.reason, now)?)
    }
}

/// Ends an order that nobody has paid in time.
#[derive(Debug, Clone, Copy)]
pub struct ExpireOrder(pub OrderId);

impl Command for ExpireOrder {
    fn name(&self) -> &'static str {
        "orderExpire"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.0.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let order = states.order(self.0)?;
        Ok(checkout::expire((self.0, order), &stocks(order, states)?, now)?)
    }
}

fn stocks<'s>(order: &Order, states: &'s States<'_>) -> Result<Stocks<'s>, Halt> {
    let lines = order.details().map(|details| details.lines.as_slice()).unwrap_or_default();
    let stock = |sku: &domain::Sku| Ok((sku.clone(), states.inventory(sku)?));
    lines.iter().map(|line| stock(&line.ordered.sku)).collect()
}
