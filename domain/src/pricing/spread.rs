//! Splitting an amount into parts whose sum is exactly the amount.

use crate::{Money, MoneyError};

/// Splits `amount` in proportion to `weights` by the largest remainder method: each part gets its
/// share rounded down, and the remaining minor units go one each to the parts with the largest
/// remainders; if remainders are equal, to the first. Neither the amount nor a weight is negative.
/// If all weights are 0, the first part gets the whole amount.
pub fn spread(amount: Money, weights: &[Money]) -> Result<Vec<Money>, MoneyError> {
    let weights: Vec<i128> = weights.iter().map(|weight| weight.amount.max(0).into()).collect();
    let whole: i128 = weights.iter().sum();
    let mut parts = vec![0_i64; weights.len()];
    if whole == 0 {
        parts.iter_mut().take(1).for_each(|first| *first = amount.amount);
        return Ok(in_currency_of(amount, &parts));
    }
    let mut remainders = Vec::with_capacity(weights.len());
    for (n, weight) in weights.iter().enumerate() {
        let share = i128::from(amount.amount).checked_mul(*weight).ok_or(MoneyError::Overflow)?;
        parts[n] = i64::try_from(share / whole).map_err(|_| MoneyError::Overflow)?;
        remainders.push((std::cmp::Reverse(share % whole), n));
    }
    remainders.sort_unstable();
    let left = amount.amount - parts.iter().sum::<i64>();
    for (_, n) in remainders.into_iter().take(usize::try_from(left).unwrap_or_default()) {
        parts[n] += 1;
    }
    Ok(in_currency_of(amount, &parts))
}

fn in_currency_of(amount: Money, parts: &[i64]) -> Vec<Money> {
    parts.iter().map(|part| Money::new(*part, amount.currency)).collect()
}
