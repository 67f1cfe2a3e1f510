//! Returning goods.

use super::{an_order, delivered, details, given, now, parts, processing, shipped};
use crate::fixtures::{minute, sku};
use crate::order::{OrderCommand, OrderError, OrderEvent, OrderFulfilmentState, Restocking};

fn ask(lines: &[(&str, i64)]) -> OrderCommand {
    OrderCommand::RequestReturn { lines: parts(lines), reason: None }
}

fn asked(lines: &[(&str, i64)]) -> OrderEvent {
    OrderEvent::ReturnRequested { lines: parts(lines), reason: None, at: now() }
}

fn accept(lines: &[(&str, i64)]) -> OrderCommand {
    OrderCommand::AcceptReturn { lines: parts(lines), restocking: Restocking::Restocked }
}

fn returned(lines: &[(&str, i64)]) -> OrderEvent {
    OrderEvent::Returned { lines: parts(lines), restocked: Restocking::Restocked, at: now() }
}

/// Two mugs and three teas were delivered, and then these events.
fn delivered_and(more: impl IntoIterator<Item = OrderEvent>) -> Vec<OrderEvent> {
    let mut events = delivered();
    events.extend(more);
    events
}

#[test]
fn delivered_goods_can_be_returned_in_parts_or_all_at_once() {
    let some = asked(&[("MUG", 1)]);
    given(&delivered()).when(ask(&[("MUG", 1)])).then_expect_events(vec![some.clone()]);
    let all = asked(&[("MUG", 2), ("TEA", 3)]);
    given(&delivered()).when(ask(&[])).then_expect_events(vec![all]);
    let rest = asked(&[("MUG", 1), ("TEA", 3)]);
    given(&delivered_and([some])).when(ask(&[])).then_expect_events(vec![rest]);
}

#[test]
fn no_more_is_returned_than_was_delivered() {
    let exceeds =
        |returnable, wanted| OrderError::ExceedsDelivered { sku: sku("MUG"), returnable, wanted };
    given(&delivered()).when(ask(&[("MUG", 3)])).then_expect_error(exceeds(2, 3));
    given(&delivered()).when(accept(&[("MUG", 3)])).then_expect_error(exceeds(2, 3));
    let asked_once = delivered_and([asked(&[("MUG", 2)])]);
    given(&asked_once).when(ask(&[("MUG", 1)])).then_expect_error(exceeds(0, 1));
    let came_back = delivered_and([asked(&[("MUG", 2)]), returned(&[("MUG", 2)])]);
    given(&came_back).when(accept(&[("MUG", 1)])).then_expect_error(exceeds(0, 1));
}

#[test]
fn goods_that_are_not_delivered_cannot_be_returned() {
    for events in [an_order([]), processing([]), processing([shipped(&[("MUG", 2)])])] {
        given(&events).when(ask(&[])).then_expect_error(OrderError::NothingToReturn);
        given(&events).when(accept(&[])).then_expect_error(OrderError::NothingToReturn);
    }
}

#[test]
fn without_lines_every_requested_return_is_accepted() {
    let events = delivered_and([asked(&[("MUG", 1)])]);
    let expected = vec![returned(&[("MUG", 1)])];
    given(&events).when(accept(&[])).then_expect_events(expected);
    given(&delivered()).when(accept(&[])).then_expect_error(OrderError::NothingToReturn);
}

#[test]
fn staff_may_accept_a_return_that_was_not_requested() {
    let expected = vec![returned(&[("TEA", 2)])];
    given(&delivered()).when(accept(&[("TEA", 2)])).then_expect_events(expected);
}

#[test]
fn a_return_is_counted_on_its_line() {
    let events = delivered_and([asked(&[("MUG", 2)]), returned(&[("MUG", 1), ("TEA", 1)])]);
    let order = details(&events);
    let counts: Vec<_> = order.lines.iter().map(|l| (l.return_requested, l.returned)).collect();
    assert_eq!(counts, [(1, 1), (0, 1)]);
    assert_eq!(order.fulfilment_state(), OrderFulfilmentState::PartiallyReturned);
    assert_eq!(order.delivered_at, Some(minute(5)));
}
