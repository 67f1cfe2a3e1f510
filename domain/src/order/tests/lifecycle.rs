//! The lifecycle of an order: placed, confirmed, completed, or ended before that.

use super::{an_order, cancelled, confirmed, delivered, details, expired, given, now, processing};
use super::{shipped, text};
use crate::fixtures::{minute, placed, sealed};
use crate::order::{
    CancelReason, Lifecycle, OrderCommand, OrderError, OrderEvent, OrderPaymentState, OrderStatus,
};

fn place() -> OrderCommand {
    OrderCommand::Place(Box::new(placed()))
}

fn cancel(reason: CancelReason) -> OrderCommand {
    OrderCommand::Cancel { reason }
}

fn by_customer() -> CancelReason {
    CancelReason::Customer(Some(text("Too slow.")))
}

fn by_staff() -> CancelReason {
    CancelReason::Staff(Some(text("Address unknown.")))
}

#[test]
fn an_order_is_placed_once() {
    given(&[]).when(place()).then_expect_events(an_order([]));
    given(&an_order([])).when(place()).then_expect_events(vec![]);
}

#[test]
fn an_order_has_at_least_one_line() {
    let empty = crate::order::Placed { lines: vec![], ..placed() };
    given(&[]).when(OrderCommand::Place(Box::new(empty))).then_expect_error(OrderError::NoLines);
}

#[test]
fn contact_and_address_can_be_changed_before_processing() {
    let update = || OrderCommand::Update {
        contact: None,
        shipping_address: Some(sealed("another address")),
    };
    let updated = |at| OrderEvent::Updated {
        contact: None,
        shipping_address: Some(sealed("another address")),
        at,
    };
    given(&an_order([])).when(update()).then_expect_events(vec![updated(now())]);
    given(&confirmed()).when(update()).then_expect_events(vec![updated(now())]);
    for events in [processing([]), delivered()] {
        given(&events).when(update()).then_expect_error(OrderError::AlreadyProcessing);
    }
    for events in [cancelled(), expired()] {
        given(&events).when(update()).then_expect_error(OrderError::Closed);
    }
    given(&an_order([]))
        .when(OrderCommand::Update { contact: None, shipping_address: None })
        .then_expect_events(vec![]);

    let order = details(&an_order([updated(minute(6))]));
    assert_eq!(order.placed.contact, sealed("contact"));
    assert_eq!(order.placed.shipping_address, sealed("another address"));
    assert_eq!(order.updated_at, minute(6));
}

#[test]
fn an_unpaid_order_is_confirmed_and_so_is_one_that_is_paid_late() {
    for events in [an_order([]), expired()] {
        given(&events)
            .when(OrderCommand::Confirm)
            .then_expect_events(vec![OrderEvent::Confirmed { at: now() }]);
    }
    for events in [confirmed(), processing([]), delivered()] {
        given(&events).when(OrderCommand::Confirm).then_expect_events(vec![]);
    }
    given(&cancelled()).when(OrderCommand::Confirm).then_expect_error(OrderError::Closed);
    assert_eq!(details(&confirmed()).confirmed_at, Some(minute(2)));
}

#[test]
fn processing_follows_confirmation() {
    let start = || OrderCommand::StartProcessing;
    given(&confirmed())
        .when(start())
        .then_expect_events(vec![OrderEvent::ProcessingStarted { at: now() }]);
    given(&an_order([])).when(start()).then_expect_error(OrderError::NotConfirmed);
    for events in [processing([]), delivered()] {
        given(&events).when(start()).then_expect_events(vec![]);
    }
    for events in [cancelled(), expired()] {
        given(&events).when(start()).then_expect_error(OrderError::Closed);
    }
}

#[test]
fn a_customer_cancels_before_processing_and_staff_before_shipping() {
    for (events, reason) in [
        (an_order([]), by_customer()),
        (an_order([]), by_staff()),
        (an_order([]), CancelReason::OutOfStock),
        (confirmed(), by_customer()),
        (confirmed(), by_staff()),
        (processing([]), by_staff()),
    ] {
        given(&events)
            .when(cancel(reason.clone()))
            .then_expect_events(vec![OrderEvent::Cancelled { reason, at: now() }]);
    }
    given(&processing([]))
        .when(cancel(by_customer()))
        .then_expect_error(OrderError::AlreadyProcessing);
}

#[test]
fn a_shipped_order_cannot_be_cancelled() {
    for events in [processing([shipped(&[("MUG", 1)])]), delivered()] {
        for reason in [by_customer(), by_staff()] {
            given(&events).when(cancel(reason)).then_expect_error(OrderError::AlreadyShipped);
        }
    }
}

#[test]
fn a_cancelled_order_stays_cancelled_for_its_first_reason() {
    given(&cancelled()).when(cancel(by_staff())).then_expect_events(vec![]);
    let (reason, at) = (CancelReason::Customer(None), minute(4));
    assert_eq!(details(&cancelled()).lifecycle, Lifecycle::Cancelled { reason, at });
}

#[test]
fn only_a_late_payment_cancels_an_expired_order() {
    for reason in [by_customer(), by_staff()] {
        given(&expired()).when(cancel(reason)).then_expect_error(OrderError::Closed);
    }
    let reason = CancelReason::OutOfStock;
    given(&expired())
        .when(cancel(reason.clone()))
        .then_expect_events(vec![OrderEvent::Cancelled { reason, at: now() }]);
}

#[test]
fn only_a_waiting_order_expires() {
    given(&an_order([]))
        .when(OrderCommand::Expire)
        .then_expect_events(vec![OrderEvent::Expired { at: now() }]);
    for events in [confirmed(), processing([]), delivered(), cancelled(), expired()] {
        given(&events).when(OrderCommand::Expire).then_expect_events(vec![]);
    }
}

#[test]
fn notes_are_added_in_every_state_of_the_order() {
    let note = || sealed("call before delivery");
    for events in [an_order([]), delivered(), cancelled(), expired()] {
        given(&events)
            .when(OrderCommand::AddNote { note: note() })
            .then_expect_events(vec![OrderEvent::NoteAdded { note: note(), at: now() }]);
    }
    let order = details(&an_order([OrderEvent::NoteAdded { note: note(), at: minute(1) }]));
    assert_eq!(order.notes.len(), 1);
    assert_eq!((&order.notes[0].text, order.notes[0].at), (&note(), minute(1)));
}

#[test]
fn the_status_is_that_of_the_first_true_condition() {
    for (events, status) in [
        (an_order([]), OrderStatus::Pending),
        (confirmed(), OrderStatus::Paid),
        (processing([]), OrderStatus::Processing),
        (processing([shipped(&[("MUG", 2)])]), OrderStatus::Processing),
        (processing([shipped(&[("MUG", 2), ("TEA", 3)])]), OrderStatus::Shipped),
        (delivered(), OrderStatus::Delivered),
        (cancelled(), OrderStatus::Cancelled),
        (expired(), OrderStatus::Expired),
    ] {
        let order = details(&events);
        assert_eq!(order.status(), status);
        assert_eq!(order.payment_state(), OrderPaymentState::None);
        assert_eq!(order.is_pending(), status == OrderStatus::Pending);
        let closed = matches!(status, OrderStatus::Cancelled | OrderStatus::Expired);
        assert_eq!(order.is_open(), !closed);
    }
}

#[test]
fn an_order_is_placed_before_anything_else_happens_to_it() {
    let mut order = crate::order::Order::default();
    cqrs_es::Aggregate::apply(&mut order, OrderEvent::Confirmed { at: minute(1) });
    assert_eq!(order.details(), None);
}
