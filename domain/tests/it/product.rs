//! A product under random commands.

use domain::Money;
use domain::product::{Product, ProductCommand};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::play::play;
use crate::samples::{eur, sku, text, usd};

fn price() -> impl Strategy<Value = Money> {
    prop_oneof![(-2..2_000_i64).prop_map(usd), (1..9_i64).prop_map(eur)]
}

fn command() -> impl Strategy<Value = ProductCommand> {
    let words = || prop::option::of(prop::sample::select(vec![text("Mug"), text("Cup")]));
    prop_oneof![
        price().prop_map(|price| ProductCommand::Create {
            sku: sku("MUG"),
            name: text("Mug"),
            description: None,
            image_url: None,
            price,
        }),
        (words(), words(), words()).prop_map(|(name, description, image_url)| {
            ProductCommand::Update { name, description, image_url }
        }),
        price().prop_map(|price| ProductCommand::Reprice { price }),
        Just(ProductCommand::Discontinue),
        Just(ProductCommand::Reinstate),
    ]
}

proptest! {
    #[test]
    fn a_product_has_a_price_and_keeps_its_currency(
        commands in vec((command(), 0..5_i64), 0..30),
    ) {
        let mut currency = None;
        play::<Product>(commands, |product, _, _| {
            if let Some(listing) = product.listing() {
                assert!(listing.price.amount > 0);
                assert_eq!(*currency.get_or_insert(listing.price.currency), listing.price.currency);
                assert_eq!(product.offer(&listing.sku).is_ok(), product.is_active());
            }
        });
    }
}
