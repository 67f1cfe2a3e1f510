//! A cart under random commands.

use std::collections::BTreeSet;

use domain::cart::{Addition, Cart, CartCommand, MAX_LINES, Owner};
use domain::product::Offer;
use domain::{Money, OrderId, Quantity, Sku};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::play::play;
use crate::samples::{customer, eur, id, sku, text, units, usd};

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![Just(Owner::Guest), Just(Owner::Customer(customer()))]
}

fn any_sku() -> impl Strategy<Value = Sku> {
    (0..6_u8).prop_map(|number| sku(&format!("SKU-{number}")))
}

/// Mostly ordinary prices; some are in another currency, or too large to add up.
fn price() -> impl Strategy<Value = Money> {
    prop_oneof![
        20 => (1..3_i64).prop_map(usd),
        2 => (1..3_i64).prop_map(eur),
        1 => Just(usd(i64::MAX / 4)),
    ]
}

fn addition() -> impl Strategy<Value = Addition> {
    let expected = prop::option::weighted(0.1, price());
    let quantity = prop_oneof![1..20_i64, 3_000..10_001_i64];
    (any_sku(), price(), quantity, expected).prop_map(|(sku, price, quantity, expected)| {
        let offer = Offer { sku, name: text("Something"), price };
        Addition { offer, quantity: units(quantity), expected_unit_price: expected }
    })
}

fn command() -> impl Strategy<Value = CartCommand> {
    let change = (any_sku(), prop::option::of(1..10_001_i64))
        .prop_map(|(sku, quantity)| (sku, quantity.and_then(|q| Quantity::new(q).ok())));
    let check_out = vec((any_sku(), price()), 0..4).prop_map(|offers| CartCommand::CheckOut {
        order: OrderId(id(1)),
        offers: offers
            .into_iter()
            .map(|(sku, price)| Offer { sku, name: text("Something"), price })
            .collect(),
    });
    prop_oneof![
        1 => (owner(), 1..60_u32).prop_map(|(owner, idle_seconds)| CartCommand::Create { owner, idle_seconds }),
        20 => (owner(), 1..60_u32, vec(addition(), 0..4)).prop_map(|(owner, idle_seconds, lines)| {
            CartCommand::AddLines { owner, idle_seconds, lines }
        }),
        6 => vec(change, 0..3).prop_map(|lines| CartCommand::UpdateLines { lines }),
        3 => vec(any_sku(), 0..3).prop_map(|skus| CartCommand::RemoveLines { skus }),
        1 => Just(CartCommand::Clear),
        1 => Just(CartCommand::Expire),
        1 => check_out,
    ]
}

proptest! {
    #[test]
    fn a_sku_is_one_line_and_the_total_is_the_sum_of_the_lines(
        commands in vec((command(), 0..5_i64), 0..40),
    ) {
        play::<Cart>(commands, |cart, events, _| {
            let Cart::Active(details) = cart else { return };
            let skus: BTreeSet<_> = details.lines.iter().map(|line| &line.sku).collect();
            assert_eq!(skus.len(), details.lines.len());
            assert!(details.lines.len() <= MAX_LINES);

            let Some(currency) = details.currency() else {
                return assert!(details.lines.is_empty() && details.total().is_none());
            };
            assert!(details.lines.iter().all(|line| line.unit_price.currency == currency));
            let units = |line: &domain::cart::CartLine| i128::from(line.quantity.units());
            let sum = details.lines.iter().map(|l| i128::from(l.unit_price.amount) * units(l)).sum();
            assert_eq!(details.total().map(|t| t.unwrap().amount.into()), Some::<i128>(sum));
            assert!(events.is_empty() || details.touched_at >= details.created_at);
        });
    }

    #[test]
    fn a_cart_that_has_ended_never_changes(commands in vec((command(), 0..5_i64), 0..40)) {
        let mut ended: Option<Cart> = None;
        play::<Cart>(commands, |cart, events, _| match &ended {
            Some(ended) => assert!(ended == cart && events.is_empty()),
            None => ended = cart.has_ended().then(|| cart.clone()),
        });
    }
}
