//! Commands over several streams: each gathers the states it needs and calls the domain.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::cart::{Cart, CartLine};
use domain::checkout::{self, MergeCarts, PlaceOrder, RelatedStates, SkuStates, StartPayment};
use domain::order::{CancelReason, LineQuantity, Order, Restocking};
use domain::payment::PaymentCommand;
use domain::{Decide, OrderId, PaymentId, Sku, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

impl Command for PlaceOrder {
    fn name(&self) -> &'static str {
        "orderPlace"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.order.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let cart = states.cart(self.cart)?;
        let (mut skus, mut coupon) = (BTreeMap::new(), None);
        if let Cart::Active(details) = cart {
            coupon = details.coupon.as_ref().map(|code| states.coupon(code)).transpose()?;
            for line in &details.lines {
                let product = states.product(&line.sku)?;
                let inventory = states.inventory(&line.sku)?;
                skus.insert(line.sku.clone(), SkuStates { product, inventory });
            }
        }
        Ok(checkout::place(self, cart, coupon, &skus, now)?)
    }
}

impl Command for MergeCarts {
    fn name(&self) -> &'static str {
        "cartMerge"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.into.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let (guest, own) = (states.cart(self.guest)?, states.cart(self.into)?);
        let lines = guest.details().map(|details| details.lines.as_slice()).unwrap_or_default();
        let product = |line: &CartLine| Ok((line.sku.clone(), states.product(&line.sku)?));
        let products: BTreeMap<_, _> = lines.iter().map(product).collect::<Result<_, Halt>>()?;
        Ok(checkout::merge(self, guest, own, |sku| products.get(sku).copied(), now)?)
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
        Ok(checkout::start_payment(self, order, latest, &related(order, states)?, now)?)
    }
}

/// Settles an order with one of its payments: confirms the order, records a failure, or refunds
/// money that came too late.
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
        let related = related(order, states)?;
        Ok(checkout::settle((id, order), (self.0, payment), &related, now)?)
    }
}

/// Voids or refunds the payments of a cancelled order.
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

/// Keeps the stock of an order reserved while the outcome of this payment is unknown.
#[derive(Debug, Clone, Copy)]
pub struct ExtendReservation {
    pub payment: PaymentId,
    /// The longest time for which the stock stays reserved, counted from the placing of the order.
    pub at_most: TimeDelta,
}

impl Command for ExtendReservation {
    fn name(&self) -> &'static str {
        "holdStock"
    }

    fn subject(&self) -> Option<StreamId> {
        None
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let payment = states.payment(self.payment)?;
        let id = payment.existing()?.order;
        let order = states.order(id)?;
        let related = related(order, states)?;
        Ok(checkout::extend_reservation((id, order), payment, self.at_most, &related, now)?)
    }
}

/// Marks the payments of this order whose outcome is unknown, so that a person looks at them.
#[derive(Debug, Clone, Copy)]
pub struct FlagUnknownPayments(pub OrderId);

impl Command for FlagUnknownPayments {
    fn name(&self) -> &'static str {
        "flagUnknownPayments"
    }

    fn subject(&self) -> Option<StreamId> {
        None
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let mut flagged = vec![];
        for id in states.order(self.0)?.existing()?.payments.keys() {
            let events = states.payment(*id)?.decide(&PaymentCommand::FlagUnknown, now)?;
            flagged.extend(changes(id.stream(), events));
        }
        Ok(flagged)
    }
}

/// Cancels an order of which no unit has been shipped.
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
        let related = related(order, states)?;
        Ok(checkout::cancel((self.order, order), &related, &self.reason, now)?)
    }
}

/// Accepts the return of delivered goods.
#[derive(Debug, Clone)]
pub struct AcceptReturn {
    pub order: OrderId,
    /// The lines that are returned; empty for all lines that the customer asked to return.
    pub lines: Vec<LineQuantity>,
    pub restocking: Restocking,
}

impl Command for AcceptReturn {
    fn name(&self) -> &'static str {
        "orderReturnAccept"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.order.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let order = states.order(self.order)?;
        let (related, id) = (related(order, states)?, self.order);
        Ok(checkout::accept_return((id, order), &self.lines, self.restocking, &related, now)?)
    }
}

/// Expires an order that was not paid in time.
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
        Ok(checkout::expire((self.0, order), &related(order, states)?, now)?)
    }
}

/// The stock and the coupon that are held for an order.
fn related<'s>(order: &Order, states: &'s States<'_>) -> Result<RelatedStates<'s>, Halt> {
    let Some(order) = order.details() else { return Ok(RelatedStates::default()) };
    let coupon = order.placed.coupon.as_ref().map(|code| states.coupon(code)).transpose()?;
    let stock = |sku: &Sku| Ok((sku.clone(), states.inventory(sku)?));
    let stocks = order.lines.iter().map(|line| stock(&line.ordered.sku));
    Ok(RelatedStates { stocks: stocks.collect::<Result<_, Halt>>()?, coupon })
}
