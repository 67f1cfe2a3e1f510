//! Records the new state of a payment in its order, and does what follows from it: the order is
//! confirmed or cancelled, the payment is captured, voided or refunded.

use cqrs_es::Aggregate;

use super::{Changes, RelatedStates, cancel, decide, with_stream};
use crate::coupon::CouponCommand;
use crate::inventory::{InventoryCommand, ReleaseReason};
use crate::order::{CancelReason, Lifecycle, Order, OrderCommand, OrderDetails, OrderEvent};
use crate::payment::{CaptureMode, Payment, PaymentCommand, PaymentDetails, PaymentMethod};
use crate::{Decide, OrderId, PaymentId, Refusal, Timestamp};

/// Records the payment in its order, and then:
///
/// - If the payment covers an order that waits for payment or has expired, commits the stock and
///   confirms the order. If the stock or the coupon is not available any more, cancels the order
///   and voids or refunds the payment.
/// - If the order is cancelled, or is already covered by another payment, voids or refunds the
///   payment.
/// - If the covering payment has ended before anything was shipped, cancels the order.
pub fn settle(
    (order_id, order): (OrderId, &Order),
    (payment_id, payment): (PaymentId, &Payment),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let (details, paid) = (order.existing()?, payment.existing()?);
    let (outcome, refunded) = (paid.outcome(), paid.refunded());
    let record = OrderCommand::RecordPayment { payment: payment_id, outcome, refunded };
    let recorded = order.decide(&record, now)?;
    let is_surplus = details.covered_by.is_some_and(|covering| covering != payment_id);

    let consequences = match details.lifecycle {
        Lifecycle::Cancelled { .. } => unwind((payment_id, payment), now)?,
        Lifecycle::Placed | Lifecycle::Expired { .. } if covers(paid, details, now) => {
            confirm_or_cancel((order_id, order), (payment_id, payment), related, now)?
        }
        Lifecycle::Placed | Lifecycle::Expired { .. } => vec![],
        _ if is_surplus => unwind((payment_id, payment), now)?,
        _ if details.covered_by.is_some() => {
            cancel_if_uncovered((order_id, order), &recorded, related, now)?
        }
        _ => vec![],
    };
    let mut changes = with_stream(order_id.stream(), recorded);
    changes.extend(consequences);
    Ok(changes)
}

/// Voids and refunds the money of one payment for an order that will not be delivered.
pub fn unwind(
    (payment_id, payment): (PaymentId, &Payment),
    now: Timestamp,
) -> Result<Changes, Refusal> {
    decide(payment_id.stream(), payment, &PaymentCommand::Unwind, now)
}

/// Cash on delivery covers an order because the customer has promised to pay. A captured amount
/// covers it even if the authorisation has ended.
fn covers(payment: &PaymentDetails, order: &OrderDetails, now: Timestamp) -> bool {
    let total = order.total().amount;
    let is_promised =
        payment.method == PaymentMethod::CashOnDelivery || payment.authorized >= total;
    let is_void_requested = payment.void.pending || payment.awaits_void_retry();
    let is_being_voided = is_void_requested && payment.captured() == 0;
    let is_released = is_being_voided || payment.released || payment.is_hold_over(now);
    payment.captured() >= total || (is_promised && !is_released)
}

fn confirm_or_cancel(
    order: (OrderId, &Order),
    payment: (PaymentId, &Payment),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    match commit(order, related, now) {
        Ok(sales) => confirm(sales, order, payment, now),
        Err(refusal) => cancel_for(&refusal, order, payment, related, now),
    }
}

/// Sells the reserved stock; an order that had expired also redeems its coupon again.
fn commit(
    (order_id, order): (OrderId, &Order),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    let mut changes = related.decide_stocks(details, now, |line| InventoryCommand::Commit {
        order: order_id,
        quantity: line.ordered.quantity,
    })?;
    if details.has_expired() {
        let subtotal = details.placed.totals.subtotal;
        let redeem = CouponCommand::Redeem { order: order_id, subtotal };
        changes.extend(related.decide_coupon(details, &redeem, now)?);
    }
    Ok(changes)
}

/// Confirms the order and, if the payment is captured automatically, requests the capture.
fn confirm(
    sales: Changes,
    (order_id, order): (OrderId, &Order),
    (payment_id, payment): (PaymentId, &Payment),
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let mut changes = sales;
    changes.extend(decide(order_id.stream(), order, &OrderCommand::Confirm, now)?);
    let paid = payment.existing()?;
    if paid.capture == CaptureMode::Automatic && paid.capturable() > 0 {
        let capture = PaymentCommand::RequestCapture { amount: None };
        changes.extend(decide(payment_id.stream(), payment, &capture, now)?);
    }
    Ok(changes)
}

/// The payment came too late: the order is cancelled, its stock and its coupon are released, and
/// the payment is voided or refunded.
fn cancel_for(
    refusal: &Refusal,
    (order_id, order): (OrderId, &Order),
    payment: (PaymentId, &Payment),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let reason = match refusal {
        Refusal::Coupon(_) => CancelReason::CouponUsedUp,
        _ => CancelReason::OutOfStock,
    };
    let mut changes = release((order_id, order), related, now)?;
    changes.extend(decide(order_id.stream(), order, &OrderCommand::Cancel { reason }, now)?);
    changes.extend(unwind(payment, now)?);
    Ok(changes)
}

/// An order that has expired has already released its coupon.
fn release(
    (order_id, order): (OrderId, &Order),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let (details, why) = (order.existing()?, ReleaseReason::Cancelled);
    let mut changes = related
        .decide_stocks(details, now, |_| InventoryCommand::Release { order: order_id, why })?;
    if !details.has_expired() {
        let release = CouponCommand::Release { order: order_id };
        changes.extend(related.decide_coupon(details, &release, now)?);
    }
    Ok(changes)
}

/// Cancels the order if, after the recorded events, no payment covers it any more. An order that is
/// partly shipped cannot be cancelled, and stays unchanged.
fn cancel_if_uncovered(
    (order_id, order): (OrderId, &Order),
    recorded: &[OrderEvent],
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let mut after = order.clone();
    recorded.iter().cloned().for_each(|event| after.apply(event));
    if after.existing()?.covered_by.is_some() {
        return Ok(vec![]);
    }
    let cancelled = cancel((order_id, &after), related, &CancelReason::PaymentLost, now);
    Ok(cancelled.unwrap_or_default())
}
