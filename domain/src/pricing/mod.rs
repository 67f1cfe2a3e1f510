//! What an order costs in addition to its prices: discount, shipping and tax, to the minor unit.
//!
//! `subtotal + shipping − discount + exclusive tax = total`. Tax that the prices include is stated
//! and not added.

mod percent;
mod spread;
mod tax;
#[cfg(test)]
mod tests;

pub use self::percent::Percent;
pub use self::spread::spread;
pub use self::tax::{Tax, TaxMode};
use crate::order::{PlacedLine, Totals};
use crate::{Money, MoneyError};

/// What the shop charges in addition to its prices. The configuration sets it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Charges {
    pub tax: Tax,
    /// At most one for each currency; in a currency without one, shipping is free.
    pub shipping: Vec<ShippingRate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingRate {
    pub price: Money,
    /// From this price of the goods on, shipping is free; in the currency of `price`.
    pub free_from: Option<Money>,
}

impl Charges {
    /// The price of shipping goods that cost `goods`.
    pub fn shipping_for(&self, goods: Money) -> Money {
        let rate = self.shipping.iter().find(|rate| rate.price.currency == goods.currency);
        let paid = rate
            .filter(|rate| rate.free_from.is_none_or(|free_from| goods.amount < free_from.amount));
        paid.map_or(Money::zero(goods.currency), |rate| rate.price)
    }

    /// Sets discount and tax of the lines and returns the totals. There is at least one line, all
    /// are in one currency, and the discount is at most their sum.
    pub fn total(&self, lines: &mut [PlacedLine], discount: Money) -> Result<Totals, MoneyError> {
        let nothing = Money::zero(discount.currency);
        let sum = |lines: &[PlacedLine], part: fn(&PlacedLine) -> Money| {
            lines.iter().try_fold(nothing, |sum, line| sum.plus(part(line)))
        };
        let subtotal = sum(lines, |line| line.total)?;
        let weights: Vec<_> = lines.iter().map(|line| line.total).collect();
        for (line, part) in lines.iter_mut().zip(spread(discount, &weights)?) {
            line.discount = part;
            line.tax = self.tax.on(line.total.minus(part)?)?;
        }
        let shipping = self.shipping_for(subtotal.minus(discount)?);
        let shipping_tax = self.tax.on(shipping)?;
        let tax = sum(lines, |line| line.tax)?.plus(shipping_tax)?;
        let before_tax = subtotal.plus(shipping)?.minus(discount)?;
        let total = match self.tax.mode {
            TaxMode::Exclusive => before_tax.plus(tax)?,
            TaxMode::Inclusive => before_tax,
        };
        Ok(Totals { subtotal, shipping, shipping_tax, discount, tax, total })
    }
}

impl Tax {
    fn on(&self, amount: Money) -> Result<Money, MoneyError> {
        match self.mode {
            TaxMode::Exclusive => self.rate.of(amount),
            TaxMode::Inclusive => self.rate.within(amount),
        }
    }
}
