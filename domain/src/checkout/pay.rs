//! Starting a payment: an order has at most one open payment at a time, and its stock stays
//! reserved while the payment is open.

use chrono::TimeDelta;

use super::{Changes, CheckoutError, RelatedStates, decide};
use crate::inventory::InventoryCommand;
use crate::order::{Order, OrderCommand, OrderError};
use crate::payment::{CaptureMode, Payment, PaymentCommand, PaymentMethod};
use crate::{OrderId, PaymentId, Refusal, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct StartPayment {
    pub order: OrderId,
    pub payment: PaymentId,
    pub method: PaymentMethod,
    pub capture: CaptureMode,
    /// The provider's token for the customer's card or account.
    pub source: String,
    /// How long the stock stays reserved from now on.
    pub reserve_for: TimeDelta,
    /// The longest time for which it stays reserved, counted from the placing of the order.
    pub reserve_at_most: TimeDelta,
}

/// `latest` is the order's previous payment, if there is one.
pub fn start_payment(
    request: &StartPayment,
    order: &Order,
    latest: Option<&Payment>,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    if !details.is_pending() {
        return Err(OrderError::NotPending.into());
    }
    if details.reserved_until <= now {
        return Err(CheckoutError::ReservationEnded.into());
    }
    if latest.and_then(Payment::details).is_some_and(|payment| payment.is_open()) {
        return Err(CheckoutError::PaymentInProgress.into());
    }
    let StartPayment { order: order_id, payment, method, capture, .. } = *request;
    let (amount, source) = (details.total(), request.source.clone());
    let cap = details.placed.at + request.reserve_at_most;
    let reserved_until = (now + request.reserve_for).min(cap).max(details.reserved_until);
    let initiate = PaymentCommand::Initiate { order: order_id, amount, method, capture, source };
    let start = OrderCommand::StartPayment { payment, method, amount, reserved_until };

    let mut changes = decide(payment.stream(), &Payment::Absent, &initiate, now)?;
    changes.extend(decide(order_id.stream(), order, &start, now)?);
    changes.extend(related.decide_stocks(details, now, |_| {
        InventoryCommand::ExtendReservation { order: order_id, expires_at: reserved_until }
    })?);
    Ok(changes)
}
