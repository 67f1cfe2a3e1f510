//! Tax and shipping, which the shop charges in addition to its prices.

use std::collections::BTreeMap;
use std::fmt;

use domain::pricing::{Charges, Percent, ShippingRate, Tax, TaxMode};
use domain::{Currency, Money};

use super::{ConfigError, Options};

/// The entry for all countries that have no rate of their own.
const ANY_COUNTRY: &str = "*";

/// Tax rates by country, and shipping prices by currency.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChargesByCountry {
    tax_mode: TaxMode,
    /// The rates by the country as customers write it, in lower case.
    tax_rates: BTreeMap<String, Percent>,
    shipping: Vec<ShippingRate>,
}

pub(super) fn read(options: &Options, errors: &mut Vec<ConfigError>) -> Option<ChargesByCountry> {
    let Options { tax_mode, tax_rates, shipping, .. } = options;
    let charges = ChargesByCountry::parse((*tax_mode).into(), tax_rates, shipping);
    charges.map_err(|error| errors.push(error)).ok()
}

impl ChargesByCountry {
    /// Parses `rates` such as `US=10.75,DE=19,*=0`, and `shipping` such as `USD=644:10000,EUR=499`: the price, and
    /// the value of goods from which shipping is free, in minor units.
    ///
    /// # Errors
    /// For the first entry that cannot be used.
    fn parse(tax_mode: TaxMode, rates: &str, shipping: &str) -> Result<Self, ConfigError> {
        let tax_rates = split_entries(rates).map(parse_rate).collect::<Result<_, _>>();
        let tax_rates = tax_rates.map_err(ConfigError::TaxRate)?;
        let shipping = split_entries(shipping).map(parse_shipping).collect::<Result<_, _>>();
        let shipping = shipping.map_err(ConfigError::Shipping)?;
        Ok(ChargesByCountry { tax_mode, tax_rates, shipping })
    }

    /// The charges for goods that are shipped to this country.
    pub fn to(&self, country: &str) -> Charges {
        let rate = self.tax_rates.get(&country.trim().to_lowercase());
        let rate = rate.or_else(|| self.tax_rates.get(ANY_COUNTRY)).copied().unwrap_or_default();
        Charges { tax: Tax { rate, mode: self.tax_mode }, shipping: self.shipping.clone() }
    }
}

fn split_entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn parse_rate(entry: &str) -> Result<(String, Percent), String> {
    let parsed = entry.split_once('=').and_then(|(country, percent)| {
        Some((country.trim().to_lowercase(), percent.trim().parse().ok()?))
    });
    parsed.filter(|(country, _)| !country.is_empty()).ok_or_else(|| entry.to_owned())
}

fn parse_shipping(entry: &str) -> Result<ShippingRate, String> {
    let parse = || {
        let (currency, prices) = entry.split_once('=')?;
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
    parse().ok_or_else(|| entry.to_owned())
}

/// Prints one line per setting, with the name of its variable.
impl fmt::Display for ChargesByCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.tax_mode {
            TaxMode::Exclusive => "exclusive",
            TaxMode::Inclusive => "inclusive",
        };
        let rates: Vec<_> =
            self.tax_rates.iter().map(|(country, rate)| format!("{country}={rate}")).collect();
        let shipping: Vec<_> = self.shipping.iter().map(format_rate).collect();
        writeln!(f, "CARTULARY_TAX_MODE={mode}")?;
        writeln!(f, "CARTULARY_TAX_RATES={}", rates.join(","))?;
        writeln!(f, "CARTULARY_SHIPPING={}", shipping.join(","))
    }
}

fn format_rate(rate: &ShippingRate) -> String {
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
        let parsed = ChargesByCountry::parse(TaxMode::Inclusive, rates, shipping);
        parsed.map_err(|error| match error {
            ConfigError::TaxRate(entry) | ConfigError::Shipping(entry) => entry,
            error => error.to_string(),
        })
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
        let shown: Vec<_> = charges.shipping.iter().map(format_rate).collect();
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
