//! Amounts of money in inputs and answers.

use async_graphql::{Description, InputObject, Object};
use domain::{ErrorCode, Invalid};
use serde::Serialize;

/// An amount of money in one currency. Amounts are exact: they count whole minor units.
#[derive(Debug, Clone, Copy, Description)]
pub struct Money(pub domain::Money);

#[Object(use_type_description)]
impl Money {
    /// Number of minor units (cents, yen, fils) as a decimal string, because it may exceed 32 bits:
    /// `2499` is 24.99 USD. Negative amounts begin with `-`.
    async fn amount(&self) -> String {
        self.0.amount.to_string()
    }

    /// Three-letter currency code of ISO 4217 in upper case, such as `USD`.
    async fn currency(&self) -> &str {
        self.0.currency.code()
    }

    /// Number of digits behind the decimal point in this currency: 0 (JPY), 2 (USD) or 3 (KWD).
    async fn exponent(&self) -> u32 {
        self.0.currency.exponent()
    }

    /// The amount for people to read, in major units and with the currency code, such as `24.99 USD`
    /// or `1200 JPY`. Use the other fields to format it for a locale.
    async fn formatted(&self) -> String {
        self.0.to_string()
    }
}

/// An amount of money in one currency, given in whole minor units.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct MoneyInput {
    /// Number of minor units (cents, yen, fils) as a decimal string: `2499` for 24.99 USD.
    pub amount: String,
    /// Three-letter code of ISO 4217 in upper case, such as `USD`.
    pub currency: String,
}

impl TryFrom<&MoneyInput> for domain::Money {
    type Error = Invalid;

    fn try_from(money: &MoneyInput) -> Result<Self, Invalid> {
        let not_whole = |_| {
            let message =
                "amount must be a whole number of minor units, such as 2499 for 24.99 USD";
            Invalid::new(ErrorCode::InvalidAmount, message)
        };
        let amount = money.amount.parse().map_err(not_whole)?;
        Ok(domain::Money::new(amount, money.currency.parse()?))
    }
}
