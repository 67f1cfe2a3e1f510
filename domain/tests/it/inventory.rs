//! Stock under random commands.

use domain::inventory::{
    AdjustmentKind, Inventory, InventoryCommand, InventoryEvent, ReleaseReason, Reservation, Stock,
};
use domain::{OrderId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::play::play;
use crate::samples::{id, minute, sku, text, units};

fn order() -> impl Strategy<Value = OrderId> {
    (1..6_u128).prop_map(|number| OrderId(id(number)))
}

/// A time; some are earlier than the commands.
fn moment() -> impl Strategy<Value = Timestamp> {
    (0..120_i64).prop_map(minute)
}

fn quantity() -> impl Strategy<Value = i64> {
    prop_oneof![9 => 1..9_i64, 1 => 1..10_001_i64]
}

fn command() -> impl Strategy<Value = InventoryCommand> {
    let kind = prop::sample::select(vec![
        AdjustmentKind::Purchase,
        AdjustmentKind::Return,
        AdjustmentKind::Damage,
        AdjustmentKind::Adjustment,
    ]);
    let change = prop_oneof![20 => -9..9_i64, 1 => any::<i64>()];
    prop_oneof![
        1 => (0..20_u32).prop_map(|on_hand| InventoryCommand::Register {
            sku: sku("MUG"),
            on_hand,
            reorder_level: 3,
            reorder_quantity: 20,
        }),
        4 => (kind, change).prop_map(|(kind, quantity)| InventoryCommand::Adjust {
            kind,
            quantity,
            reason: Some(text("counted")),
            reference: None,
        }),
        1 => (0..9_u32).prop_map(|reorder_level| InventoryCommand::SetReorderLevel {
            reorder_level,
            reorder_quantity: 20,
        }),
        6 => (order(), quantity(), moment()).prop_map(|(order, quantity, expires_at)| {
            InventoryCommand::Reserve { order, quantity: units(quantity), expires_at }
        }),
        2 => (order(), moment()).prop_map(|(order, expires_at)| {
            InventoryCommand::ExtendReservation { order, expires_at }
        }),
        2 => order().prop_map(|order| {
            InventoryCommand::Release { order, why: ReleaseReason::Cancelled }
        }),
        3 => (order(), quantity()).prop_map(|(order, quantity)| {
            InventoryCommand::Commit { order, quantity: units(quantity) }
        }),
    ]
}

fn commands() -> impl Strategy<Value = Vec<(InventoryCommand, i64)>> {
    let register = InventoryCommand::Register {
        sku: sku("MUG"),
        on_hand: 20,
        reorder_level: 3,
        reorder_quantity: 20,
    };
    vec((command(), 0..6_i64), 0..40).prop_map(move |mut commands| {
        commands.insert(commands.len().min(1), (register.clone(), 0));
        commands
    })
}

/// The change of the units on hand by an event, and the balance that it records.
fn ledger_line(event: &InventoryEvent) -> Option<(i64, i64)> {
    match event {
        InventoryEvent::Adjusted { quantity, on_hand, .. } => Some((*quantity, *on_hand)),
        InventoryEvent::Committed { quantity, on_hand, .. } => Some((-quantity, *on_hand)),
        _ => None,
    }
}

/// All reservations: at the end of time all have expired.
fn reservations(stock: &Stock) -> impl Iterator<Item = (OrderId, &Reservation)> {
    stock.reservations.expired(Timestamp::MAX_UTC)
}

proptest! {
    #[test]
    fn nothing_is_oversold(commands in commands()) {
        play::<Inventory>(commands, |inventory, _, now| {
            let Some(stock) = inventory.stock() else { return };
            assert!(stock.on_hand >= 0);
            assert!(reservations(stock).all(|(_, reservation)| reservation.quantity > 0));
            let reserved: i64 = reservations(stock).map(|(_, r)| r.quantity).sum();
            assert_eq!(stock.reserved, reserved);
            assert!(stock.on_hand >= stock.reserved, "what is not released may still be sold");
            assert!(stock.available(now) >= 0);
            assert!(stock.reserved(now) >= 0);
        });
    }

    #[test]
    fn the_ledger_always_sums_to_what_is_on_hand(commands in commands()) {
        let mut balance = 0;
        play::<Inventory>(commands, |inventory, events, _| {
            for (change, on_hand) in events.iter().filter_map(ledger_line) {
                balance += change;
                assert_eq!(balance, on_hand);
            }
            assert_eq!(balance, inventory.stock().map_or(0, |stock| stock.on_hand));
        });
    }

    #[test]
    fn low_stock_and_recovery_alternate(commands in commands()) {
        let mut low = false;
        play::<Inventory>(commands, |inventory, events, _| {
            for event in events {
                match event {
                    InventoryEvent::LowStock { .. } => assert!(!std::mem::replace(&mut low, true)),
                    InventoryEvent::Recovered { .. } => assert!(std::mem::replace(&mut low, false)),
                    _ => {}
                }
            }
            assert_eq!(low, inventory.stock().is_some_and(|stock| stock.low));
        });
    }

    #[test]
    fn an_unreleased_reservation_can_be_committed(commands in commands()) {
        use domain::Decide;
        play::<Inventory>(commands, |inventory, _, now| {
            for (order, reservation) in inventory.stock().into_iter().flat_map(reservations) {
                let quantity = units(reservation.quantity);
                let commit = InventoryCommand::Commit { order, quantity };
                assert!(inventory.decide(&commit, now).is_ok());
            }
        });
    }
}
