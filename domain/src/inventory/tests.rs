//! The rules of stock.

use cqrs_es::Aggregate;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::{
    AdjustmentKind, Inventory, InventoryCommand, InventoryError, InventoryEvent, MAX_UNITS,
    ReleaseReason,
};
use crate::fixtures::{minute, order_id, sku, text, units};
use crate::{ErrorCode, Refusal, Timestamp};

/// The current time: reservations until minute 10 have expired.
fn now() -> Timestamp {
    minute(10)
}

fn given(events: &[InventoryEvent]) -> AggregateTestExecutor<Inventory> {
    TestFramework::with(now()).given(events.into())
}

fn inventory(events: &[InventoryEvent]) -> Inventory {
    let mut inventory = Inventory::default();
    events.iter().cloned().for_each(|event| inventory.apply(event));
    inventory
}

fn registered(reorder_level: u32) -> InventoryEvent {
    InventoryEvent::Registered {
        sku: sku("MUG"),
        reorder_level,
        reorder_quantity: 20,
        at: minute(0),
    }
}

fn adjusted(kind: AdjustmentKind, quantity: i64, on_hand: i64, at: Timestamp) -> InventoryEvent {
    let (reason, reference) = (Some(text("counted")), None);
    InventoryEvent::Adjusted { kind, quantity, reason, reference, on_hand, at }
}

/// Ten units on hand, and then these events.
fn ten<const N: usize>(then: [InventoryEvent; N]) -> Vec<InventoryEvent> {
    let mut events = vec![registered(0), adjusted(AdjustmentKind::Purchase, 10, 10, minute(0))];
    events.extend(then);
    events
}

fn held(order: u128, quantity: i64, until: i64) -> InventoryEvent {
    let (order, expires_at) = (order_id(order), minute(until));
    InventoryEvent::Reserved { order, quantity, expires_at, at: minute(1) }
}

fn released(order: u128, quantity: i64, why: ReleaseReason) -> InventoryEvent {
    InventoryEvent::Released { order: order_id(order), quantity, why, at: now() }
}

fn reserve(order: u128, quantity: i64) -> InventoryCommand {
    let (order, quantity, expires_at) = (order_id(order), units(quantity), minute(25));
    InventoryCommand::Reserve { order, quantity, expires_at }
}

fn reserved_now(order: u128, quantity: i64, until: i64) -> InventoryEvent {
    let (order, expires_at) = (order_id(order), minute(until));
    InventoryEvent::Reserved { order, quantity, expires_at, at: now() }
}

fn commit(order: u128, quantity: i64) -> InventoryCommand {
    InventoryCommand::Commit { order: order_id(order), quantity: units(quantity) }
}

fn committed(order: u128, quantity: i64, on_hand: i64) -> InventoryEvent {
    InventoryEvent::Committed { order: order_id(order), quantity, on_hand, at: now() }
}

fn adjust(kind: AdjustmentKind, quantity: i64) -> InventoryCommand {
    let (reason, reference) = (Some(text("counted")), None);
    InventoryCommand::Adjust { kind, quantity, reason, reference }
}

fn low_stock(available: i64, reorder_level: u32) -> InventoryEvent {
    InventoryEvent::LowStock { available, reorder_level, at: now() }
}

#[test]
fn the_first_units_are_the_first_line_of_the_ledger() {
    let register = |on_hand| InventoryCommand::Register {
        sku: sku("MUG"),
        on_hand,
        reorder_level: 3,
        reorder_quantity: 20,
    };
    let registered = InventoryEvent::Registered {
        sku: sku("MUG"),
        reorder_level: 3,
        reorder_quantity: 20,
        at: now(),
    };
    let bought = InventoryEvent::Adjusted {
        kind: AdjustmentKind::Purchase,
        quantity: 10,
        reason: None,
        reference: None,
        on_hand: 10,
        at: now(),
    };
    given(&[]).when(register(0)).then_expect_events(vec![registered.clone()]);
    given(&[]).when(register(10)).then_expect_events(vec![registered, bought]);
    given(&[])
        .when(register(u32::MAX))
        .then_expect_error(InventoryError::TooMany { units: u32::MAX.into() });
    given(&ten([])).when(register(10)).then_expect_error(InventoryError::Exists(sku("MUG")));
}

#[test]
fn commands_to_unregistered_stock_are_refused() {
    let order = order_id(1);
    for command in [
        adjust(AdjustmentKind::Purchase, 1),
        InventoryCommand::SetReorderLevel { reorder_level: 1, reorder_quantity: 1 },
        reserve(1, 1),
        InventoryCommand::ExtendReservation { order, expires_at: minute(20) },
        InventoryCommand::Release { order, why: ReleaseReason::Cancelled },
        commit(1, 1),
    ] {
        given(&[]).when(command).then_expect_error(InventoryError::Missing);
    }
    assert_eq!(Inventory::default().available(now()), 0);
}

#[test]
fn an_adjustment_has_the_balance_after_it() {
    for (kind, quantity, on_hand) in [
        (AdjustmentKind::Purchase, 5, 15),
        (AdjustmentKind::Return, 1, 11),
        (AdjustmentKind::Damage, -4, 6),
        (AdjustmentKind::Adjustment, 2, 12),
        (AdjustmentKind::Adjustment, -9, 1),
    ] {
        given(&ten([])).when(adjust(kind, quantity)).then_expect_events(vec![adjusted(
            kind,
            quantity,
            on_hand,
            now(),
        )]);
    }
}

#[test]
fn added_units_are_positive_and_lost_units_are_negative() {
    for (kind, quantities) in [
        (AdjustmentKind::Purchase, [0, -1]),
        (AdjustmentKind::Return, [0, -1]),
        (AdjustmentKind::Damage, [0, 1]),
        (AdjustmentKind::Adjustment, [0, 0]),
    ] {
        for quantity in quantities {
            let error = InventoryError::WrongSign { kind, quantity };
            given(&ten([])).when(adjust(kind, quantity)).then_expect_error(error);
        }
    }
}

#[test]
fn an_adjustment_needs_a_reason_or_a_reference() {
    let adjust = |reason, reference| InventoryCommand::Adjust {
        kind: AdjustmentKind::Purchase,
        quantity: 1,
        reason,
        reference,
    };
    given(&ten([])).when(adjust(None, None)).then_expect_error(InventoryError::ReasonRequired);
    let result = given(&ten([])).when(adjust(None, Some(text("PO-7")))).inspect_result();
    assert!(result.is_ok());
}

#[test]
fn at_most_a_thousand_million_units_are_on_hand_or_moved_at_once() {
    for quantity in [MAX_UNITS + 1, i64::MAX] {
        given(&ten([]))
            .when(adjust(AdjustmentKind::Purchase, quantity))
            .then_expect_error(InventoryError::TooMany { units: quantity });
    }
    for quantity in [-MAX_UNITS - 1, i64::MIN] {
        given(&ten([]))
            .when(adjust(AdjustmentKind::Damage, quantity))
            .then_expect_error(InventoryError::TooMany { units: quantity });
    }
    given(&ten([]))
        .when(adjust(AdjustmentKind::Purchase, MAX_UNITS - 9))
        .then_expect_error(InventoryError::TooMany { units: MAX_UNITS + 1 });
}

#[test]
fn an_adjustment_cannot_remove_reserved_units() {
    let events = ten([held(1, 4, 20)]);
    given(&events)
        .when(adjust(AdjustmentKind::Damage, -7))
        .then_expect_error(InventoryError::BelowReserved { reserved: 4, on_hand: 3 });
    given(&events)
        .when(adjust(AdjustmentKind::Damage, -6))
        .then_expect_events(vec![adjusted(AdjustmentKind::Damage, -6, 4, now()), low_stock(0, 0)]);
}

#[test]
fn an_adjustment_releases_expired_reservations_whose_units_it_needs() {
    given(&ten([held(1, 4, 10)])).when(adjust(AdjustmentKind::Damage, -7)).then_expect_events(
        vec![
            released(1, 4, ReleaseReason::Expired),
            adjusted(AdjustmentKind::Damage, -7, 3, now()),
        ],
    );
}

#[test]
fn no_more_is_reserved_than_is_available() {
    given(&ten([held(1, 4, 20)]))
        .when(reserve(2, 6))
        .then_expect_events(vec![reserved_now(2, 6, 25), low_stock(0, 0)]);
    given(&ten([held(1, 4, 20)]))
        .when(reserve(2, 7))
        .then_expect_error(InventoryError::Insufficient { available: 6, wanted: 7 });
}

#[test]
fn an_order_reserves_once() {
    given(&ten([held(1, 4, 20)])).when(reserve(1, 6)).then_expect_events(vec![]);
}

#[test]
fn an_expired_reservation_does_not_count_as_reserved() {
    let stock = inventory(&ten([held(1, 4, 10)]));
    assert_eq!([stock.available(minute(9)), stock.available(minute(10))], [6, 10]);
}

#[test]
fn expired_stock_is_released_oldest_first_and_no_more_than_needed() {
    let events = ten([held(3, 2, 9), held(2, 3, 7), held(1, 4, 8), held(4, 1, 11)]);
    given(&events).when(reserve(5, 3)).then_expect_events(vec![
        released(2, 3, ReleaseReason::Expired),
        reserved_now(5, 3, 25),
        low_stock(0, 0),
    ]);
    given(&events).when(reserve(5, 4)).then_expect_events(vec![
        released(2, 3, ReleaseReason::Expired),
        released(1, 4, ReleaseReason::Expired),
        reserved_now(5, 4, 25),
    ]);
    given(&events)
        .when(reserve(5, 10))
        .then_expect_error(InventoryError::Insufficient { available: 9, wanted: 10 });
}

#[test]
fn a_reservation_is_only_ever_made_longer() {
    let extend = |order, until| InventoryCommand::ExtendReservation {
        order: order_id(order),
        expires_at: minute(until),
    };
    let events = ten([held(1, 4, 20)]);
    given(&events).when(extend(1, 30)).then_expect_events(vec![
        InventoryEvent::ReservationExtended {
            order: order_id(1),
            expires_at: minute(30),
            at: now(),
        },
    ]);
    given(&events).when(extend(1, 20)).then_expect_events(vec![]);
    given(&events).when(extend(1, 15)).then_expect_events(vec![]);
    given(&events).when(extend(2, 30)).then_expect_events(vec![]);

    let (order, expires_at) = (order_id(1), minute(30));
    let extended = InventoryEvent::ReservationExtended { order, expires_at, at: minute(2) };
    assert_eq!(inventory(&ten([held(1, 4, 5), extended])).available(now()), 6);
}

#[test]
fn a_reservation_is_released_completely_and_once() {
    for why in [ReleaseReason::Cancelled, ReleaseReason::Expired] {
        let release = InventoryCommand::Release { order: order_id(1), why };
        let given_back = released(1, 4, why);
        given(&ten([held(1, 4, 20)]))
            .when(release.clone())
            .then_expect_events(vec![given_back.clone()]);
        given(&ten([held(1, 4, 20), given_back])).when(release).then_expect_events(vec![]);
    }
}

#[test]
fn a_commit_sells_what_is_reserved() {
    given(&ten([held(1, 4, 20)])).when(commit(1, 4)).then_expect_events(vec![committed(1, 4, 6)]);
    given(&ten([held(1, 4, 20), held(2, 6, 20)]))
        .when(commit(1, 9))
        .then_expect_events(vec![committed(1, 4, 6), low_stock(0, 0)]);
}

#[test]
fn an_expired_reservation_still_counts_until_it_is_released() {
    given(&ten([held(1, 4, 5)])).when(commit(1, 4)).then_expect_events(vec![committed(1, 4, 6)]);
}

#[test]
fn after_its_release_a_commit_sells_what_is_available() {
    let events = ten([held(1, 4, 5), released(1, 4, ReleaseReason::Expired), held(2, 6, 20)]);
    given(&events).when(commit(1, 4)).then_expect_events(vec![
        reserved_now(1, 4, 10),
        committed(1, 4, 6),
        low_stock(0, 0),
    ]);
    given(&events)
        .when(commit(1, 5))
        .then_expect_error(InventoryError::Insufficient { available: 4, wanted: 5 });
}

#[test]
fn low_stock_is_reported_once_and_again_only_after_recovery() {
    let start = || vec![registered(3), adjusted(AdjustmentKind::Purchase, 10, 10, minute(0))];
    given(&start())
        .when(reserve(1, 7))
        .then_expect_events(vec![reserved_now(1, 7, 25), low_stock(3, 3)]);

    let mut low = start();
    low.extend([held(1, 7, 25), low_stock(3, 3)]);
    given(&low).when(reserve(2, 1)).then_expect_events(vec![reserved_now(2, 1, 25)]);
    given(&low).when(adjust(AdjustmentKind::Purchase, 1)).then_expect_events(vec![
        adjusted(AdjustmentKind::Purchase, 1, 11, now()),
        InventoryEvent::Recovered { available: 4, reorder_level: 3, at: now() },
    ]);

    low.push(InventoryEvent::Recovered { available: 4, reorder_level: 3, at: minute(9) });
    given(&low)
        .when(reserve(2, 1))
        .then_expect_events(vec![reserved_now(2, 1, 25), low_stock(2, 3)]);
}

#[test]
fn a_new_reorder_level_may_itself_make_stock_low() {
    let set =
        |reorder_level| InventoryCommand::SetReorderLevel { reorder_level, reorder_quantity: 20 };
    let is_set = |reorder_level| InventoryEvent::ReorderLevelSet {
        reorder_level,
        reorder_quantity: 20,
        at: now(),
    };
    given(&ten([])).when(set(0)).then_expect_events(vec![]);
    given(&ten([])).when(set(9)).then_expect_events(vec![is_set(9)]);
    given(&ten([])).when(set(10)).then_expect_events(vec![is_set(10), low_stock(10, 10)]);
    let reordered = inventory(&ten([is_set(10)]));
    assert_eq!(reordered.stock().unwrap().reorder_level, 10);
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    for (error, code, field) in [
        (InventoryError::Exists(sku("MUG")), ErrorCode::InventoryExists, "sku"),
        (InventoryError::Missing, ErrorCode::InventoryNotFound, "sku"),
        (
            InventoryError::Insufficient { available: 0, wanted: 1 },
            ErrorCode::InsufficientStock,
            "quantity",
        ),
        (
            InventoryError::BelowReserved { reserved: 1, on_hand: 0 },
            ErrorCode::BelowReserved,
            "quantity",
        ),
        (InventoryError::ReasonRequired, ErrorCode::ReasonRequired, "reason"),
        (
            InventoryError::WrongSign { kind: AdjustmentKind::Damage, quantity: 1 },
            ErrorCode::InvalidQuantity,
            "quantity",
        ),
        (InventoryError::TooMany { units: 1 }, ErrorCode::InvalidQuantity, "quantity"),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}
