//! What a cart costs now: current prices, the coupon's discount, shipping and tax.

use super::CheckoutError;
use crate::cart::CartDetails;
use crate::coupon::Coupon;
use crate::order::{PlacedLine, Totals};
use crate::pricing::Charges;
use crate::product::Offer;
use crate::{Money, MoneyError, Refusal, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    pub lines: Vec<PlacedLine>,
    pub totals: Totals,
}

/// `offers` are the offers of the cart's lines, in the order of the lines; there is at least one
/// line. `coupon` is the cart's coupon, if it has one.
pub fn quote(
    details: &CartDetails,
    offers: &[Offer],
    coupon: Option<&Coupon>,
    charges: &Charges,
    now: Timestamp,
) -> Result<Quote, Refusal> {
    let mut lines = price(details, offers).map_err(CheckoutError::from)?;
    let subtotal = subtotal(&lines).map_err(CheckoutError::from)?;
    let discount = match coupon {
        Some(coupon) => coupon.discount(subtotal, now)?,
        None => Money::zero(subtotal.currency),
    };
    let totals = charges.total(&mut lines, discount).map_err(CheckoutError::from)?;
    Ok(Quote { lines, totals })
}

/// The lines at current prices, without discount and tax.
fn price(details: &CartDetails, offers: &[Offer]) -> Result<Vec<PlacedLine>, MoneyError> {
    let priced = details.lines.iter().zip(offers).map(|(line, offer)| {
        let nothing = Money::zero(offer.price.currency);
        Ok(PlacedLine {
            sku: line.sku.clone(),
            name: offer.name.clone(),
            quantity: line.quantity,
            unit_price: offer.price,
            total: offer.price.times(line.quantity)?,
            discount: nothing,
            tax: nothing,
        })
    });
    priced.collect()
}

fn subtotal(lines: &[PlacedLine]) -> Result<Money, MoneyError> {
    let nothing = Money::zero(lines[0].total.currency);
    lines.iter().try_fold(nothing, |sum, line| sum.plus(line.total))
}
