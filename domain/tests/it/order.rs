//! An order under random commands.

use domain::order::{
    CancelReason, Lifecycle, LineQuantity, Order, OrderCommand, PaymentOutcome, PlacedLine,
    Restocking, Shipment,
};
use domain::payment::PaymentMethod;
use domain::{PaymentId, ShipmentId};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::play::play;
use crate::samples::{id, line, minute, placed, sealed, sku, units, usd};

const SKUS: [&str; 4] = ["MUG", "TEA", "CUP", "CAKE"];

/// Up to three lines; cake is never among them.
fn lines() -> impl Strategy<Value = Vec<PlacedLine>> {
    vec(1..10_001_i64, 0..4).prop_map(|quantities| {
        quantities.into_iter().zip(SKUS).map(|(units, name)| line(name, units, 100)).collect()
    })
}

fn parts() -> impl Strategy<Value = Vec<LineQuantity>> {
    let part = (0..SKUS.len(), prop_oneof![1..5_i64, 1..10_001_i64])
        .prop_map(|(n, quantity)| LineQuantity { sku: sku(SKUS[n]), quantity: units(quantity) });
    prop_oneof![Just(vec![]), vec(part, 1..3)]
}

fn reason() -> impl Strategy<Value = CancelReason> {
    prop::sample::select(vec![
        CancelReason::Customer(None),
        CancelReason::Staff(None),
        CancelReason::OutOfStock,
    ])
}

fn payment() -> impl Strategy<Value = PaymentId> {
    (1..4_u128).prop_map(|number| PaymentId(id(number)))
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 1..1_000_000_i64, Just(i64::MAX)]
}

fn command() -> impl Strategy<Value = OrderCommand> {
    let outcome = (amount(), amount(), any::<bool>(), any::<bool>()).prop_map(
        |(authorized, captured, closed, disputed)| PaymentOutcome {
            authorized,
            captured,
            closed,
            disputed,
        },
    );
    let method = prop::sample::select(vec![PaymentMethod::Card, PaymentMethod::CashOnDelivery]);
    let sealed = || prop::option::of(Just(sealed("bmV3")));
    prop_oneof![
        1 => lines().prop_map(|lines| OrderCommand::Place(Box::new(placed(lines)))),
        1 => (sealed(), sealed()).prop_map(|(contact, shipping_address)| {
            OrderCommand::Update { contact, shipping_address }
        }),
        2 => (payment(), method).prop_map(|(payment, method)| OrderCommand::StartPayment {
            payment,
            method,
            amount: usd(100),
            reserved_until: minute(60),
        }),
        3 => (payment(), outcome, amount()).prop_map(|(payment, outcome, refunded)| {
            OrderCommand::RecordPayment { payment, outcome, refunded }
        }),
        3 => Just(OrderCommand::Confirm),
        3 => Just(OrderCommand::StartProcessing),
        8 => parts().prop_map(|lines| OrderCommand::Ship {
            shipment: Shipment {
                id: ShipmentId(id(1)),
                lines,
                carrier: None,
                tracking_number: None,
                estimated_delivery: None,
            },
        }),
        8 => parts().prop_map(|lines| OrderCommand::Deliver { lines }),
        3 => parts().prop_map(|lines| OrderCommand::RequestReturn { lines, reason: None }),
        3 => parts().prop_map(|lines| {
            OrderCommand::AcceptReturn { lines, restocking: Restocking::Restocked }
        }),
        1 => reason().prop_map(|reason| OrderCommand::Cancel { reason }),
        1 => Just(OrderCommand::Expire),
        1 => Just(OrderCommand::AddNote { note: crate::samples::sealed("bm90ZQ==") }),
    ]
}

/// Most orders are placed, many are confirmed and processed.
fn commands() -> impl Strategy<Value = Vec<(OrderCommand, i64)>> {
    (lines(), 0..4_usize, vec((command(), 0..5_i64), 0..30)).prop_map(|(lines, begun, rest)| {
        let place = OrderCommand::Place(Box::new(placed(lines)));
        let begin = [place, OrderCommand::Confirm, OrderCommand::StartProcessing];
        begin.into_iter().take(begun).map(|command| (command, 1)).chain(rest).collect()
    })
}

proptest! {
    #[test]
    fn no_more_arrives_than_was_shipped_and_no_more_is_shipped_than_was_ordered(
        commands in commands(),
    ) {
        play::<Order>(commands, |order, _, _| {
            let Some(order) = order.details() else { return };
            for line in &order.lines {
                let ordered = line.ordered.quantity.units();
                assert!(0 <= line.delivered);
                assert!(line.delivered <= line.shipped && line.shipped <= ordered);
                assert!(0 <= line.returned && 0 <= line.return_requested);
                assert!(line.returned + line.return_requested <= line.delivered);
                let parcels = order.shipments.iter().flat_map(|sent| &sent.shipment.lines);
                let sent = parcels.filter(|part| part.sku == line.ordered.sku);
                assert_eq!(line.shipped, sent.map(|part| part.quantity.units()).sum::<i64>());
            }
            let arrived = order.lines.iter().all(|l| l.delivered == l.ordered.quantity.units());
            assert_eq!(order.lifecycle == Lifecycle::Completed, arrived);
        });
    }

    #[test]
    fn a_shipped_order_is_never_cancelled_or_expired(commands in commands()) {
        play::<Order>(commands, |order, _, _| {
            let Some(order) = order.details() else { return };
            assert!(order.is_open() || order.shipments.is_empty());
            assert!(order.shipments.is_empty() || order.confirmed_at.is_some());
        });
    }

    #[test]
    fn every_order_has_a_status_and_at_most_one_payment_covers_it(commands in commands()) {
        play::<Order>(commands, |order, _, _| {
            let Some(order) = order.details() else { return };
            let _ = (order.status(), order.payment_state(), order.fulfilment_state());
            let share = order.covered_by.map(|payment| &order.payments[&payment]);
            assert!(share.is_none_or(|share| !share.outcome.closed));
        });
    }
}
