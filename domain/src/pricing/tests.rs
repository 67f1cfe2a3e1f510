//! Discount, shipping and tax, to the minor unit.

use proptest::prelude::*;

use super::{Charges, Percent, ShippingRate, Tax, TaxMode, spread};
use crate::fixtures::{eur, sku, text, units, usd};
use crate::order::{PlacedLine, Totals};
use crate::{Money, MoneyError, Quantity};

fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

fn tax(rate: &str, mode: TaxMode) -> Tax {
    Tax { rate: percent(rate), mode }
}

/// A line of one unit.
fn line(cents: i64) -> PlacedLine {
    PlacedLine {
        sku: sku("MUG"),
        name: text("Mug"),
        quantity: Quantity::ONE,
        unit_price: usd(cents),
        total: usd(cents),
        discount: usd(0),
        tax: usd(0),
    }
}

fn shipping(price: i64, free_from: Option<i64>) -> Vec<ShippingRate> {
    vec![ShippingRate { price: usd(price), free_from: free_from.map(usd) }]
}

#[test]
fn a_percentage_is_written_with_at_most_four_decimals() {
    for (text, millionths) in
        [("0", 0), ("19", 190_000), ("10.75", 107_500), ("0.0001", 1), ("100", 1_000_000)]
    {
        assert_eq!(u32::from(percent(text)), millionths);
        assert_eq!(percent(text).to_string(), text);
    }
    for text in ["", ".", "1.", ".5", "-1", "+1", "100.0001", "101", "1.23456", "1e2", "ten", "1,5"]
    {
        assert!(text.parse::<Percent>().is_err(), "{text}");
    }
}

#[test]
fn a_half_is_rounded_to_the_even_unit() {
    let half = percent("50");
    let halves: Vec<_> = (0..6).map(|cents| half.of(usd(cents)).unwrap().amount).collect();
    assert_eq!(halves, [0, 0, 1, 2, 2, 2]);
    assert_eq!(percent("10.75").of(usd(i64::MAX)).unwrap().amount, 991_512_493_961_888_399);
}

#[test]
fn tax_on_24_99_and_6_44_at_10_75_percent_is_a_whole_number_of_cents() {
    let charges = Charges { tax: tax("10.75", TaxMode::Exclusive), shipping: shipping(644, None) };
    let mut lines = [line(2_499)];
    let totals = charges.total(&mut lines, usd(0)).unwrap();
    // 2.686425 and 0.6923
    assert_eq!((lines[0].tax, totals.shipping_tax, totals.tax), (usd(269), usd(69), usd(338)));
    assert_eq!(totals.total, usd(2_499 + 644 + 338));
}

#[test]
fn tax_that_prices_include_is_stated_and_not_added() {
    let charges = Charges { tax: tax("19", TaxMode::Inclusive), shipping: shipping(500, None) };
    let mut lines = [line(11_900)];
    let totals = charges.total(&mut lines, usd(0)).unwrap();
    assert_eq!((lines[0].tax, totals.shipping_tax), (usd(1_900), usd(80)));
    assert_eq!(totals.total, usd(12_400));
}

#[test]
fn tax_is_on_what_is_left_after_the_discount() {
    let charges = Charges { tax: tax("10", TaxMode::Exclusive), ..Charges::default() };
    let mut lines = [line(1_000), line(3_000)];
    let totals = charges.total(&mut lines, usd(400)).unwrap();
    assert_eq!(lines.each_ref().map(|line| line.discount), [usd(100), usd(300)]);
    assert_eq!(lines.each_ref().map(|line| line.tax), [usd(90), usd(270)]);
    let Totals { subtotal, discount, tax, total, .. } = totals;
    assert_eq!((subtotal, discount, tax, total), (usd(4_000), usd(400), usd(360), usd(3_960)));
}

#[test]
fn shipping_is_free_from_a_sum_that_is_left_after_the_discount() {
    let charges = Charges { shipping: shipping(500, Some(5_000)), ..Charges::default() };
    for (goods, discount, shipping) in
        [(4_999, 0, 500), (5_000, 0, 0), (5_500, 501, 500), (5_500, 500, 0)]
    {
        let totals = charges.total(&mut [line(goods)], usd(discount)).unwrap();
        assert_eq!(totals.shipping, usd(shipping), "{goods} less {discount}");
    }
    assert_eq!(charges.shipping_for(eur(100)), eur(0), "no rate, no charge");
}

#[test]
fn parts_go_to_the_largest_remainders_first() {
    let parts = |amount, weights: &[i64]| -> Vec<i64> {
        let weights: Vec<_> = weights.iter().copied().map(usd).collect();
        spread(usd(amount), &weights).unwrap().iter().map(|part| part.amount).collect()
    };
    assert_eq!(parts(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(parts(10, &[999, 1]), [10, 0]);
    assert_eq!(parts(5, &[0, 0]), [5, 0]);
    assert_eq!(parts(0, &[3, 4]), [0, 0]);
    assert_eq!(parts(7, &[]), [0; 0]);
}

#[test]
fn sums_that_overflow_are_refused() {
    let charges = Charges { tax: tax("100", TaxMode::Exclusive), ..Charges::default() };
    let too_much = charges.total(&mut [line(i64::MAX)], usd(0));
    assert_eq!(too_much, Err(MoneyError::Overflow));
    let (most, two) = (usd(i64::MAX), units(2));
    assert_eq!(most.times(two), Err(MoneyError::Overflow));
}

fn amounts() -> impl Strategy<Value = Vec<Money>> {
    prop::collection::vec((0..1_000_000_i64).prop_map(usd), 1..20)
}

proptest! {
    #[test]
    fn parts_sum_to_the_whole_and_stay_within_a_unit_of_their_share(
        amount in 0..1_000_000_i64, weights in amounts(),
    ) {
        let parts = spread(usd(amount), &weights).unwrap();
        prop_assert_eq!(parts.iter().map(|part| part.amount).sum::<i64>(), amount);
        let whole: i64 = weights.iter().map(|weight| weight.amount).sum();
        for (part, weight) in parts.iter().zip(&weights).filter(|_| whole > 0) {
            let share = amount as f64 * weight.amount as f64 / whole as f64;
            prop_assert!((part.amount as f64 - share).abs() < 1.0);
        }
    }

    #[test]
    fn totals_sum_to_the_minor_unit(
        goods in amounts(), part in 0..=100_i64, rate in 0..=1_000_000_u32,
        inclusive: bool, price in 0..10_000_i64,
    ) {
        let mode = if inclusive { TaxMode::Inclusive } else { TaxMode::Exclusive };
        let tax = Tax { rate: rate.try_into().unwrap(), mode };
        let charges = Charges { tax, shipping: shipping(price, None) };
        let mut lines: Vec<_> = goods.iter().map(|money| line(money.amount)).collect();
        let subtotal: i64 = goods.iter().map(|money| money.amount).sum();
        let totals = charges.total(&mut lines, usd(subtotal * part / 100)).unwrap();
        let sum = |part: fn(&PlacedLine) -> Money| lines.iter().map(|l| part(l).amount).sum::<i64>();
        prop_assert_eq!(totals.subtotal.amount, sum(|line| line.total));
        prop_assert_eq!(totals.discount.amount, sum(|line| line.discount));
        prop_assert_eq!(totals.tax.amount, sum(|line| line.tax) + totals.shipping_tax.amount);
        let added = if inclusive { 0 } else { totals.tax.amount };
        prop_assert_eq!(
            totals.total.amount,
            totals.subtotal.amount + totals.shipping.amount - totals.discount.amount + added
        );
    }
}
