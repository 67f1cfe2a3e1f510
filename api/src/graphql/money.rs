//! Money on the wire.

use async_graphql::{Description, InputObject, Object};
use domain::{ErrorCode, Invalid};
use serde::Serialize;

/// An amount of money.
#[derive(Debug, Clone, Copy, Description)]
pub struct Money(pub domain::Money);

#[Object(use_type_description)]
impl Money {
    /// Whole minor units (cents, yen, fils), as a string.
    async fn amount(&self) -> String {
        self.0.amount.to_string()
    }

    /// The currency's code in ISO 4217.
    async fn currency(&self) -> &str {
        self.0.currency.code()
    }

    /// The digits after the decimal point: 0, 2 or 3.
    async fn exponent(&self) -> u32 {
        self.0.currency.exponent()
    }

    /// For people, such as `24.99 USD`.
    async fn formatted(&self) -> String {
        self.0.to_string()
    }
}

/// An amount of money.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct MoneyInput {
    /// Whole minor units (cents, yen, fils), as a string.
    pub amount: String,
    /// The currency's code in ISO 4217.
    pub currency: String,
}

impl TryFrom<&MoneyInput> for domain::Money {
    type Error = Invalid;

    fn try_from(money: &MoneyInput) -> Result<Self, Invalid> {
        let whole = |_| {
            let message = "an amount is a whole number of minor units, such as 2499 for 24.99";
            Invalid::new(ErrorCode::InvalidAmount, message)
        };
        let amount = money.amount.parse().map_err(whole)?;
        Ok(domain::Money::new(amount, money.currency.parse()?))
    }
}
