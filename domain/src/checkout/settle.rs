//! Bringing an order in line with what one of its payments has come to.

use cqrs_es::Aggregate;

use super::{Changes, RelatedStates, ask_coupon, cancel, events_of, for_each_line};
use crate::coupon::CouponCommand;
use crate::inventory::{InventoryCommand, ReleaseReason};
use crate::order::{CancelReason, Lifecycle, Order, OrderCommand, OrderDetails};
use crate::payment::{CaptureMode, Payment, PaymentCommand, PaymentDetails, PaymentMethod};
use crate::{Decide, OrderId, PaymentId, Refusal, Timestamp};

/// Records the payment with its order. Money that covers a waiting order commits its stock and
/// confirms it; money that nobody owes, or whose goods are gone, goes back; an order whose money is
/// let go before anything is shipped is called off.
pub fn settle(
    (order_id, order): (OrderId, &Order),
    (payment_id, payment): (PaymentId, &Payment),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let (details, attempt) = (order.existing()?, payment.existing()?);
    let (outcome, refunded) = (attempt.outcome(), attempt.refunded());
    let record = OrderCommand::RecordPayment { payment: payment_id, outcome, refunded };
    let recorded = order.decide(&record, now)?;
    let mut changes: Changes = events_of(order_id.stream(), recorded.clone()).collect();

    let unwind = |changes: &mut Changes| -> Result<(), Refusal> {
        let events = payment.decide(&PaymentCommand::Unwind, now)?;
        changes.extend(events_of(payment_id.stream(), events));
        Ok(())
    };
    match details.lifecycle {
        Lifecycle::Cancelled { .. } => unwind(&mut changes)?,
        Lifecycle::Placed | Lifecycle::Expired { .. } if covers(attempt, details, now) => {
            match commit(order_id, details, related, now) {
                Ok(sales) => {
                    changes.extend(sales);
                    let confirmed = order.decide(&OrderCommand::Confirm, now)?;
                    changes.extend(events_of(order_id.stream(), confirmed));
                    if attempt.capture == CaptureMode::Automatic && attempt.capturable() > 0 {
                        let capture = PaymentCommand::RequestCapture { amount: None };
                        let events = payment.decide(&capture, now)?;
                        changes.extend(events_of(payment_id.stream(), events));
                    }
                }
                Err(refusal) => {
                    changes.extend(release(order_id, details, related, now)?);
                    let cancel = OrderCommand::Cancel { reason: reason_of(&refusal) };
                    changes.extend(events_of(order_id.stream(), order.decide(&cancel, now)?));
                    unwind(&mut changes)?;
                }
            }
        }
        Lifecycle::Placed | Lifecycle::Expired { .. } => {}
        // Two attempts have succeeded after all: the second one is not owed.
        _ if details.covered_by.is_some_and(|other| other != payment_id) => unwind(&mut changes)?,
        _ if details.covered_by.is_some() => {
            let mut after = order.clone();
            recorded.into_iter().for_each(|event| after.apply(event));
            // The money that confirmed it is gone. What is shipped already cannot be called back.
            if after.existing()?.covered_by.is_none() {
                let lost = cancel((order_id, &after), related, &CancelReason::PaymentLost, now);
                changes.extend(lost.unwrap_or_default());
            }
        }
        _ => {}
    }
    Ok(changes)
}

/// Gives back what one payment brought to an order that will not be delivered.
pub fn unwind(
    (payment_id, payment): (PaymentId, &Payment),
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let events = payment.decide(&PaymentCommand::Unwind, now)?;
    Ok(events_of(payment_id.stream(), events).collect())
}

/// Cash on delivery covers an order by promise. What is captured covers it whatever became of the
/// authorisation.
fn covers(attempt: &PaymentDetails, order: &OrderDetails, now: Timestamp) -> bool {
    let total = order.total().amount;
    let promised = attempt.method == PaymentMethod::CashOnDelivery || attempt.authorized >= total;
    let voiding = attempt.void.pending || attempt.void_waits();
    let being_voided = voiding && attempt.captured() == 0;
    let let_go = being_voided || attempt.released || attempt.is_hold_over(now);
    attempt.captured() >= total || (promised && !let_go)
}

/// The goods leave the shelf; an order that had expired also needs its coupon again.
fn commit(
    order: OrderId,
    details: &OrderDetails,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let mut changes = for_each_line(details, related, now, |line| InventoryCommand::Commit {
        order,
        quantity: line.ordered.quantity,
    })?;
    if matches!(details.lifecycle, Lifecycle::Expired { .. }) {
        let redeem = CouponCommand::Redeem { order, subtotal: details.placed.totals.subtotal };
        changes.extend(ask_coupon(details, related, now, redeem)?);
    }
    Ok(changes)
}

/// Why money that came too late could not revive its order.
fn reason_of(refusal: &Refusal) -> CancelReason {
    match refusal {
        Refusal::Coupon(_) => CancelReason::CouponUsedUp,
        _ => CancelReason::OutOfStock,
    }
}

fn release(
    order: OrderId,
    details: &OrderDetails,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let why = ReleaseReason::Cancelled;
    let mut changes =
        for_each_line(details, related, now, |_| InventoryCommand::Release { order, why })?;
    if !matches!(details.lifecycle, Lifecycle::Expired { .. }) {
        changes.extend(ask_coupon(details, related, now, CouponCommand::Release { order })?);
    }
    Ok(changes)
}
