//! The rules of an order.

mod fulfilment;
mod lifecycle;
mod payment;
mod returns;

use cqrs_es::Aggregate;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::{
    CancelReason, LineQuantity, Order, OrderCommand, OrderDetails, OrderError, OrderEvent, Shipment,
};
use crate::fixtures::{minute, placed, sku, text, units};
use crate::{ErrorCode, Refusal, ShipmentId, Timestamp};

fn now() -> Timestamp {
    minute(10)
}

fn given(events: &[OrderEvent]) -> AggregateTestExecutor<Order> {
    TestFramework::with(now()).given(events.into())
}

fn details(events: &[OrderEvent]) -> OrderDetails {
    let mut order = Order::default();
    events.iter().cloned().for_each(|event| order.apply(event));
    order.existing().unwrap().clone()
}

/// An order of two mugs and three teas, and then these events.
fn an_order<const N: usize>(then: [OrderEvent; N]) -> Vec<OrderEvent> {
    let mut events = vec![OrderEvent::Placed(Box::new(placed()))];
    events.extend(then);
    events
}

fn confirmed() -> Vec<OrderEvent> {
    an_order([OrderEvent::Confirmed { at: minute(2) }])
}

fn processing<const N: usize>(then: [OrderEvent; N]) -> Vec<OrderEvent> {
    let mut events = confirmed();
    events.push(OrderEvent::ProcessingStarted { at: minute(3) });
    events.extend(then);
    events
}

fn delivered() -> Vec<OrderEvent> {
    processing([
        shipped(&[("MUG", 2), ("TEA", 3)]),
        OrderEvent::Delivered { lines: parts(&[("MUG", 2), ("TEA", 3)]), at: minute(5) },
    ])
}

fn cancelled() -> Vec<OrderEvent> {
    let reason = CancelReason::Customer(None);
    an_order([OrderEvent::Cancelled { reason, at: minute(4) }])
}

fn expired() -> Vec<OrderEvent> {
    an_order([OrderEvent::Expired { at: minute(4) }])
}

fn parts(parts: &[(&str, i64)]) -> Vec<LineQuantity> {
    let part = |&(name, quantity): &(&str, i64)| LineQuantity {
        sku: sku(name),
        quantity: units(quantity),
    };
    parts.iter().map(part).collect()
}

fn shipment(lines: &[(&str, i64)]) -> Shipment {
    Shipment {
        id: ShipmentId(uuid::Uuid::from_u128(7)),
        lines: parts(lines),
        carrier: Some(text("Pigeon")),
        tracking_number: Some(text("4242424242424241")),
        estimated_delivery: Some(minute(2_000)),
    }
}

fn shipped(lines: &[(&str, i64)]) -> OrderEvent {
    OrderEvent::Shipped { shipment: shipment(lines), at: minute(4) }
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    let mug = || sku("MUG");
    for (error, code, field) in [
        (OrderError::Missing, ErrorCode::NotFound, "orderId"),
        (OrderError::NoLines, ErrorCode::CartEmpty, "orderId"),
        (OrderError::NotPending, ErrorCode::OrderNotPending, "orderId"),
        (OrderError::NotConfirmed, ErrorCode::OrderNotConfirmed, "orderId"),
        (OrderError::NotProcessing, ErrorCode::OrderNotProcessing, "orderId"),
        (OrderError::AlreadyProcessing, ErrorCode::OrderNotProcessing, "orderId"),
        (OrderError::AlreadyShipped, ErrorCode::OrderAlreadyShipped, "orderId"),
        (OrderError::Closed, ErrorCode::OrderClosed, "orderId"),
        (OrderError::LineNotFound(mug()), ErrorCode::NotFound, "lines"),
        (
            OrderError::ExceedsUnshipped { sku: mug(), unshipped: 0, wanted: 1 },
            ErrorCode::QuantityExceedsUnshipped,
            "lines",
        ),
        (
            OrderError::ExceedsShipped { sku: mug(), undelivered: 0, wanted: 1 },
            ErrorCode::QuantityExceedsShipped,
            "lines",
        ),
        (OrderError::NothingToShip, ErrorCode::QuantityExceedsUnshipped, "orderId"),
        (OrderError::NothingToDeliver, ErrorCode::QuantityExceedsShipped, "orderId"),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}

#[test]
fn commands_to_an_order_that_does_not_exist_are_refused() {
    for command in [
        OrderCommand::Confirm,
        OrderCommand::StartProcessing,
        OrderCommand::Ship { shipment: shipment(&[]) },
        OrderCommand::Deliver { lines: vec![] },
        OrderCommand::Cancel { reason: CancelReason::Staff(None) },
        OrderCommand::Expire,
    ] {
        given(&[]).when(command).then_expect_error(OrderError::Missing);
    }
}
