//! Adding, changing and removing lines, and updating their prices at checkout.

use super::{Addition, CartDetails, CartError, CartEvent, CartLine, Decision, MAX_LINES};
use crate::product::Offer;
use crate::{OrderId, Quantity, Sku, Timestamp};

impl CartDetails {
    /// Each SKU has one line: if a SKU is in the cart already, or is given twice, its units are
    /// added up.
    pub(super) fn add_lines(&self, additions: &[Addition], at: Timestamp) -> Decision {
        let mut details = self.clone();
        let mut events = Vec::with_capacity(additions.len());
        for addition in additions {
            let added = details.add(addition, at)?;
            added.iter().for_each(|event| details.apply(event));
            events.extend(added);
        }
        details.total().transpose()?;
        Ok(events)
    }

    fn add(
        &self,
        Addition { offer, quantity, expected_unit_price }: &Addition,
        at: Timestamp,
    ) -> Decision {
        let Offer { sku, price, .. } = offer;
        if let Some(cart) = self.currency().filter(|currency| *currency != price.currency) {
            return Err(CartError::CurrencyMismatch { cart, product: price.currency });
        }
        if expected_unit_price.is_some_and(|expected| expected != *price) {
            return Err(CartError::PriceChanged { sku: sku.clone(), current: *price });
        }
        match self.line(sku) {
            Some(line) => add_units(line, offer, *quantity, at),
            None if self.lines.len() >= MAX_LINES => Err(CartError::TooManyLines),
            None => {
                let (sku, quantity, unit_price) = (sku.clone(), *quantity, *price);
                Ok(vec![CartEvent::LineAdded { sku, quantity, unit_price, at }])
            }
        }
    }

    pub(super) fn update_lines(
        &self,
        lines: &[(Sku, Option<Quantity>)],
        at: Timestamp,
    ) -> Decision {
        let mut updated = self.clone();
        let mut events = Vec::with_capacity(lines.len());
        for (sku, quantity) in lines {
            let line = updated.line(sku).ok_or_else(|| CartError::LineNotFound(sku.clone()))?;
            let event = match *quantity {
                Some(quantity) if quantity == line.quantity => continue,
                Some(quantity) => CartEvent::LineQuantityChanged { sku: sku.clone(), quantity, at },
                None => CartEvent::LineRemoved { sku: sku.clone(), at },
            };
            updated.apply(&event);
            events.push(event);
        }
        updated.total().transpose()?;
        Ok(events)
    }

    pub(super) fn remove_lines(&self, skus: &[Sku], at: Timestamp) -> Decision {
        let mut remaining = self.clone();
        let mut events = Vec::with_capacity(skus.len());
        for sku in skus {
            if remaining.line(sku).is_none() {
                return Err(CartError::LineNotFound(sku.clone()));
            }
            let event = CartEvent::LineRemoved { sku: sku.clone(), at };
            remaining.apply(&event);
            events.push(event);
        }
        Ok(events)
    }

    /// Updates the prices of the lines and ends the cart.
    pub(super) fn check_out(&self, order: OrderId, offers: &[Offer], at: Timestamp) -> Decision {
        if self.lines.is_empty() {
            return Err(CartError::Empty);
        }
        let is_repriced =
            |offer: &&Offer| self.line(&offer.sku).is_some_and(|l| l.unit_price != offer.price);
        let repriced = offers.iter().filter(is_repriced).map(|offer| repriced(offer, at));
        let mut events: Vec<_> = repriced.collect();
        events.push(CartEvent::CheckedOut { order, at });
        Ok(events)
    }
}

fn add_units(line: &CartLine, offer: &Offer, quantity: Quantity, at: Timestamp) -> Decision {
    let (sku, wanted) = (line.sku.clone(), line.quantity.units() + quantity.units());
    let Ok(quantity) = Quantity::new(wanted) else {
        return Err(CartError::TooManyUnits { sku, wanted });
    };
    let mut events = vec![CartEvent::LineQuantityChanged { sku, quantity, at }];
    if line.unit_price != offer.price {
        events.push(repriced(offer, at));
    }
    Ok(events)
}

fn repriced(offer: &Offer, at: Timestamp) -> CartEvent {
    CartEvent::LineRepriced { sku: offer.sku.clone(), unit_price: offer.price, at }
}
