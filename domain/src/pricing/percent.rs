//! A percentage, and the share of an amount that it gives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Invalid, Money, MoneyError};

/// From 0 to 100 %, with up to four decimals; stored in millionths, so 10.75 % is 107,500.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Percent(u32);

const WHOLE: u32 = 1_000_000;
const DECIMALS: usize = 4;

impl Percent {
    pub const ZERO: Percent = Percent(0);

    /// This percentage of the amount, rounded half to even.
    pub fn of(self, amount: Money) -> Result<Money, MoneyError> {
        self.share(amount, WHOLE)
    }

    /// The part of the amount that this percentage has added to it, rounded half to even: 119 that
    /// include 19 % contain 19.
    pub fn within(self, amount: Money) -> Result<Money, MoneyError> {
        self.share(amount, WHOLE + self.0)
    }

    fn share(self, amount: Money, whole: u32) -> Result<Money, MoneyError> {
        let share = half_even(i128::from(amount.amount) * i128::from(self.0), whole.into());
        let share = i64::try_from(share).map_err(|_| MoneyError::Overflow)?;
        Ok(Money::new(share, amount.currency))
    }
}

/// `numerator / denominator`, rounded to the nearest whole number; a half is rounded to the even
/// neighbour (IEEE 754's roundTiesToEven), so that over many lines rounding up and down cancel each
/// other out.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

fn invalid() -> Invalid {
    let message =
        "a percentage must be a number from 0 to 100 with at most four decimals, such as 10.75";
    Invalid::new(ErrorCode::InvalidPercentage, message)
}

impl FromStr for Percent {
    type Err = Invalid;

    /// Such as `10.75`, without a sign.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || whole.len() > 3 || decimals.len() > DECIMALS
        {
            return Err(invalid());
        }
        let millionths: u32 =
            format!("{whole}{decimals:0<DECIMALS$}").parse().map_err(|_| invalid())?;
        millionths.try_into()
    }
}

impl TryFrom<u32> for Percent {
    type Error = Invalid;

    fn try_from(millionths: u32) -> Result<Self, Invalid> {
        if millionths > WHOLE { Err(invalid()) } else { Ok(Percent(millionths)) }
    }
}

impl From<Percent> for u32 {
    fn from(percent: Percent) -> u32 {
        percent.0
    }
}

/// For people and for configuration: `10.75`, `19`.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = WHOLE / 100;
        let (whole, decimals) = (self.0 / unit, self.0 % unit);
        if decimals == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{decimals:0DECIMALS$}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}
