//! Shipping and delivering, in parts or all at once.

use super::{an_order, cancelled, confirmed, delivered, details, expired, given, now, parts};
use super::{processing, shipment, shipped};
use crate::fixtures::{minute, sku};
use crate::order::{
    Lifecycle, OrderCommand, OrderError, OrderEvent, OrderFulfilmentState, Restocking,
};

fn ship(lines: &[(&str, i64)]) -> OrderCommand {
    OrderCommand::Ship { shipment: shipment(lines) }
}

fn deliver(lines: &[(&str, i64)]) -> OrderCommand {
    OrderCommand::Deliver { lines: parts(lines) }
}

fn shipped_now(lines: &[(&str, i64)]) -> OrderEvent {
    OrderEvent::Shipped { shipment: shipment(lines), at: now() }
}

fn delivered_now(lines: &[(&str, i64)]) -> OrderEvent {
    OrderEvent::Delivered { lines: parts(lines), at: now() }
}

#[test]
fn parts_can_be_shipped_and_delivered_on_their_own() {
    given(&processing([]))
        .when(ship(&[("MUG", 1)]))
        .then_expect_events(vec![shipped_now(&[("MUG", 1)])]);
    given(&processing([shipped(&[("MUG", 2)])]))
        .when(deliver(&[("MUG", 1)]))
        .then_expect_events(vec![delivered_now(&[("MUG", 1)])]);
}

#[test]
fn naming_no_lines_means_all_that_is_open() {
    given(&processing([shipped(&[("MUG", 2), ("TEA", 1)])]))
        .when(ship(&[]))
        .then_expect_events(vec![shipped_now(&[("TEA", 2)])]);
    given(&processing([shipped(&[("MUG", 2), ("TEA", 1)])]))
        .when(deliver(&[]))
        .then_expect_events(vec![delivered_now(&[("MUG", 2), ("TEA", 1)])]);
}

#[test]
fn a_sku_named_twice_counts_together() {
    given(&processing([]))
        .when(ship(&[("MUG", 1), ("MUG", 1)]))
        .then_expect_events(vec![shipped_now(&[("MUG", 2)])]);
    given(&processing([])).when(ship(&[("MUG", 2), ("MUG", 1)])).then_expect_error(
        OrderError::ExceedsUnshipped { sku: sku("MUG"), unshipped: 2, wanted: 3 },
    );
}

#[test]
fn no_more_is_shipped_than_was_ordered() {
    let exceeds =
        |unshipped, wanted| OrderError::ExceedsUnshipped { sku: sku("MUG"), unshipped, wanted };
    given(&processing([])).when(ship(&[("MUG", 3)])).then_expect_error(exceeds(2, 3));
    given(&processing([shipped(&[("MUG", 2)])]))
        .when(ship(&[("MUG", 1)]))
        .then_expect_error(exceeds(0, 1));
    given(&processing([]))
        .when(ship(&[("MUG", 10_000), ("MUG", 10_000)]))
        .then_expect_error(exceeds(2, 20_000));
}

#[test]
fn no_more_is_delivered_than_was_shipped() {
    let exceeds =
        |undelivered, wanted| OrderError::ExceedsShipped { sku: sku("MUG"), undelivered, wanted };
    let on_its_way = processing([shipped(&[("MUG", 1)])]);
    given(&on_its_way).when(deliver(&[("MUG", 2)])).then_expect_error(exceeds(1, 2));
    given(&on_its_way)
        .when(deliver(&[("MUG", 10_000), ("MUG", 10_000)]))
        .then_expect_error(exceeds(1, 20_000));
}

#[test]
fn only_lines_of_the_order_are_shipped_and_delivered() {
    let error = || OrderError::LineNotFound(sku("CAKE"));
    given(&processing([])).when(ship(&[("CAKE", 1)])).then_expect_error(error());
    given(&processing([])).when(deliver(&[("CAKE", 1)])).then_expect_error(error());
}

#[test]
fn there_must_be_something_to_ship_or_deliver() {
    given(&delivered()).when(ship(&[])).then_expect_error(OrderError::NothingToShip);
    given(&delivered()).when(deliver(&[])).then_expect_error(OrderError::NothingToDeliver);
    given(&processing([])).when(deliver(&[])).then_expect_error(OrderError::NothingToDeliver);
}

#[test]
fn only_an_order_in_processing_ships_and_delivers() {
    for (events, error) in [
        (an_order([]), OrderError::NotConfirmed),
        (confirmed(), OrderError::NotProcessing),
        (cancelled(), OrderError::Closed),
        (expired(), OrderError::Closed),
    ] {
        given(&events).when(ship(&[])).then_expect_error(error.clone());
        given(&events).when(deliver(&[])).then_expect_error(error);
    }
}

#[test]
fn the_last_delivery_completes_the_order() {
    let order = details(&delivered());
    assert_eq!(order.lifecycle, Lifecycle::Completed);
    assert_eq!(order.delivered_at, Some(minute(5)));
    assert_eq!(order.shipments.len(), 1);
    assert_eq!(order.shipments[0].at, minute(4));
}

#[test]
fn the_fulfilment_state_is_derived_from_the_lines() {
    let arrived =
        |lines: &[(&str, i64)]| OrderEvent::Delivered { lines: parts(lines), at: minute(5) };
    let returned = |lines: &[(&str, i64)]| OrderEvent::Returned {
        lines: parts(lines),
        restocked: Restocking::Restocked,
        at: minute(6),
    };
    let all = &[("MUG", 2), ("TEA", 3)];
    for (events, fulfilment) in [
        (processing([]), OrderFulfilmentState::Unfulfilled),
        (processing([shipped(&[("MUG", 2)])]), OrderFulfilmentState::PartiallyShipped),
        (processing([shipped(all)]), OrderFulfilmentState::Shipped),
        (
            processing([shipped(all), arrived(&[("TEA", 1)])]),
            OrderFulfilmentState::PartiallyDelivered,
        ),
        (processing([shipped(all), arrived(all)]), OrderFulfilmentState::Delivered),
        (
            processing([shipped(all), arrived(all), returned(&[("MUG", 1)])]),
            OrderFulfilmentState::PartiallyReturned,
        ),
        (processing([shipped(all), arrived(all), returned(all)]), OrderFulfilmentState::Returned),
    ] {
        assert_eq!(details(&events).fulfilment_state(), fulfilment);
    }
}
