//! Beginning to pay: one attempt at a time, and the stock is kept while it is under way.

use chrono::TimeDelta;

use super::{Changes, CheckoutError, RelatedStates, events_of, for_each_line};
use crate::inventory::InventoryCommand;
use crate::order::{Order, OrderCommand, OrderError};
use crate::payment::{CaptureMode, Payment, PaymentCommand, PaymentMethod};
use crate::{Decide, OrderId, PaymentId, Refusal, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct StartPayment {
    pub order: OrderId,
    pub payment: PaymentId,
    pub method: PaymentMethod,
    pub capture: CaptureMode,
    /// The provider's token for the means of payment.
    pub source: String,
    /// How long the stock is kept from now on.
    pub reserve_for: TimeDelta,
    /// How long, from placing, it is kept at most.
    pub reserve_at_most: TimeDelta,
}

/// `latest` is the attempt before this one, if there was any.
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
    if latest.and_then(Payment::details).is_some_and(|attempt| attempt.is_open()) {
        return Err(CheckoutError::PaymentInProgress.into());
    }
    let cap = details.placed.at + request.reserve_at_most;
    let reserved_until = (now + request.reserve_for).min(cap).max(details.reserved_until);
    let start = OrderCommand::StartPayment {
        payment: request.payment,
        method: request.method,
        amount: details.total(),
        reserved_until,
    };
    let initiate = PaymentCommand::Initiate {
        order: request.order,
        amount: details.total(),
        method: request.method,
        capture: request.capture,
        source: request.source.clone(),
    };
    let mut changes = vec![];
    changes.extend(events_of(request.payment.stream(), Payment::Absent.decide(&initiate, now)?));
    changes.extend(events_of(request.order.stream(), order.decide(&start, now)?));
    changes.extend(for_each_line(details, related, now, |_| {
        InventoryCommand::ExtendReservation { order: request.order, expires_at: reserved_until }
    })?);
    Ok(changes)
}
