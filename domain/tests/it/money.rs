//! Properties of money, for random amounts.

use domain::{Currency, Money, MoneyError};
use proptest::prelude::*;

use crate::samples::units;

fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["USD", "EUR", "JPY", "KWD"]).prop_map(|code| code.parse().unwrap())
}

fn money() -> impl Strategy<Value = Money> {
    (any::<i64>(), currency()).prop_map(|(amount, currency)| Money::new(amount, currency))
}

/// Parses a formatted amount without floats: the minor units and the currency.
fn minor_units(formatted: &str) -> (i128, String) {
    let (number, code) = formatted.split_once(' ').unwrap();
    (number.replace('.', "").parse().unwrap(), code.to_owned())
}

proptest! {
    #[test]
    fn subtracting_undoes_adding(a in money(), b in money()) {
        match a.plus(b) {
            Ok(sum) => {
                prop_assert_eq!(sum.minus(b), Ok(a));
                prop_assert_eq!(b.plus(a), Ok(sum));
            }
            Err(MoneyError::Overflow) => prop_assert!(a.amount.checked_add(b.amount).is_none()),
            Err(MoneyError::CurrencyMismatch(..)) => prop_assert_ne!(a.currency, b.currency),
        }
    }

    #[test]
    fn multiplying_is_adding_again_and_again(a in money(), times in 1..50_i64) {
        let zero = Money::zero(a.currency);
        let sum = (0..times).try_fold(zero, |sum, _| sum.plus(a));
        prop_assert_eq!(a.times(units(times)), sum);
    }

    #[test]
    fn the_stated_amount_is_exact(a in money()) {
        let formatted = a.to_string();
        prop_assert_eq!(minor_units(&formatted), (a.amount.into(), a.currency.to_string()));
        let decimals = formatted.split_once(' ').unwrap().0.split_once('.').map_or(0, |(_, d)| d.len());
        prop_assert_eq!(decimals, a.currency.exponent() as usize);
    }

    #[test]
    fn money_is_read_back_as_it_was_stored(a in money()) {
        let stored = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&stored).unwrap(), a);
    }
}
