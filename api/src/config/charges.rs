//! Tax and shipping: what the shop charges beside its prices.

use std::collections::BTreeMap;
use std::fmt;

use domain::pricing::{Charges, Percent, ShippingRate, Tax, TaxMode};
use domain::{Currency, Money};

/// Where no country has a rate of its own.
const ANYWHERE: &str = "*";

/// Rates by country, and prices by currency.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChargesByCountry {
    tax_mode: TaxMode,
    /// By the country's name as customers write it, in lower case.
    tax_rates: BTreeMap<String, Percent>,
    shipping: Vec<ShippingRate>,
}

impl ChargesByCountry {
    /// `rates` such as `US=10.75,DE=19,*=0`; `shipping` such as `USD=644:10000,EUR=499`: the price,
    /// and the sum from which it is free, in minor units.
    ///
    /// # Errors
    /// The part that makes no sense.
    pub fn parse(tax_mode: TaxMode, rates: &str, shipping: &str) -> Result<Self, String> {
        let tax_rates = parts(rates).map(rate).collect::<Result<_, _>>()?;
        let shipping = parts(shipping).map(shipping_rate).collect::<Result<_, _>>()?;
        Ok(ChargesByCountry { tax_mode, tax_rates, shipping })
    }

    /// What is charged for goods that go there.
    pub fn to(&self, country: &str) -> Charges {
        let rate = self.tax_rates.get(&country.trim().to_lowercase());
        let rate = rate.or_else(|| self.tax_rates.get(ANYWHERE)).copied().unwrap_or_default();
        Charges { tax: Tax { rate, mode: self.tax_mode }, shipping: self.shipping.clone() }
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn rate(part: &str) -> Result<(String, Percent), String> {
    let parsed = part.split_once('=').and_then(|(country, percent)| {
        Some((country.trim().to_lowercase(), percent.trim().parse().ok()?))
    });
    parsed.filter(|(country, _)| !country.is_empty()).ok_or_else(|| part.to_owned())
}

fn shipping_rate(part: &str) -> Result<ShippingRate, String> {
    let parse = || {
        let (currency, prices) = part.split_once('=')?;
        let currency: Currency = currency.trim().parse().ok()?;
        let money = |text: &str| {
            let amount = text.trim().parse().ok().filter(|amount| *amount >= 0)?;
            Some(Money::new(amount, currency))
        };
        let (price, free_from) = match prices.split_once(':') {
            Some((price, free_from)) => (money(price)?, Some(money(free_from)?)),
            None => (money(prices)?, None),
        };
        Some(ShippingRate { price, free_from })
    };
    parse().ok_or_else(|| part.to_owned())
}

/// As it is configured: mode, rates and prices, each behind its variable.
impl fmt::Display for ChargesByCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.tax_mode {
            TaxMode::Exclusive => "exclusive",
            TaxMode::Inclusive => "inclusive",
        };
        let rates: Vec<_> =
            self.tax_rates.iter().map(|(country, rate)| format!("{country}={rate}")).collect();
        let shipping: Vec<_> = self.shipping.iter().map(shown).collect();
        writeln!(f, "CARTULARY_TAX_MODE={mode}")?;
        writeln!(f, "CARTULARY_TAX_RATES={}", rates.join(","))?;
        writeln!(f, "CARTULARY_SHIPPING={}", shipping.join(","))
    }
}

fn shown(rate: &ShippingRate) -> String {
    let ShippingRate { price, free_from } = rate;
    match free_from {
        Some(free_from) => format!("{}={}:{}", price.currency, price.amount, free_from.amount),
        None => format!("{}={}", price.currency, price.amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rates: &str, shipping: &str) -> Result<ChargesByCountry, String> {
        ChargesByCountry::parse(TaxMode::Inclusive, rates, shipping)
    }

    #[test]
    fn a_country_has_its_own_rate_or_everybodys() {
        let charges = parse("US=10.75, Germany = 19 ,*=5", "").unwrap();
        let rate = |country| charges.to(country).tax.rate.to_string();
        assert_eq!(["us", " GERMANY ", "FR"].map(rate), ["10.75", "19", "5"]);
        assert_eq!(parse("US=10", "").unwrap().to("FR").tax.rate, Percent::ZERO);
        assert_eq!(charges.to("FR").tax.mode, TaxMode::Inclusive);
    }

    #[test]
    fn shipping_has_a_price_and_may_be_free_from_a_sum() {
        let charges = parse("", "USD=644:10000, EUR=499").unwrap().to("US");
        let shown: Vec<_> = charges.shipping.iter().map(shown).collect();
        assert_eq!(shown, ["USD=644:10000", "EUR=499"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for rates in ["US", "US=", "=5", "US=ten", "US=101"] {
            assert_eq!(parse(rates, ""), Err(rates.to_owned()));
        }
        for shipping in ["USD", "USD=", "usd=1", "USD=-1", "USD=1:x", "USD=1.50"] {
            assert_eq!(parse("", shipping), Err(shipping.to_owned()));
        }
    }
}
