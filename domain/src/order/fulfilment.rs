//! Shipping, delivering and returning.

use std::collections::BTreeMap;

use super::{
    Decision, Lifecycle, LineQuantity, OrderDetails, OrderError, OrderEvent, OrderLine, Restocking,
    Shipment,
};
use crate::{Quantity, Sku, Text, Timestamp};

impl OrderDetails {
    fn must_be_processing(&self) -> Result<(), OrderError> {
        match self.lifecycle {
            Lifecycle::Processing | Lifecycle::Completed => Ok(()),
            Lifecycle::Cancelled { .. } | Lifecycle::Expired { .. } => Err(OrderError::Closed),
            Lifecycle::Placed => Err(OrderError::NotConfirmed),
            Lifecycle::Confirmed => Err(OrderError::NotProcessing),
        }
    }

    pub(super) fn ship(&self, shipment: &Shipment, at: Timestamp) -> Decision {
        self.must_be_processing()?;
        self.must_be_paid()?;
        let unshipped = |line: &OrderLine| line.ordered.quantity.units() - line.shipped;
        let lines = self.named_or_all(&shipment.lines, unshipped, |sku, unshipped, wanted| {
            OrderError::ExceedsUnshipped { sku, unshipped, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToShip);
        }
        let shipment = Shipment { lines, ..shipment.clone() };
        Ok(vec![OrderEvent::Shipped { shipment, at }])
    }

    pub(super) fn deliver(&self, lines: &[LineQuantity], at: Timestamp) -> Decision {
        self.must_be_processing()?;
        let undelivered = |line: &OrderLine| line.shipped - line.delivered;
        let lines = self.named_or_all(lines, undelivered, |sku, undelivered, wanted| {
            OrderError::ExceedsShipped { sku, undelivered, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToDeliver);
        }
        Ok(vec![OrderEvent::Delivered { lines, at }])
    }

    pub(super) fn request_return(
        &self,
        lines: &[LineQuantity],
        reason: Option<&Text>,
        at: Timestamp,
    ) -> Decision {
        let returnable = |line: &OrderLine| line.delivered - line.returned - line.return_requested;
        let lines = self.named_or_all(lines, returnable, |sku, returnable, wanted| {
            OrderError::ExceedsDelivered { sku, returnable, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToReturn);
        }
        Ok(vec![OrderEvent::ReturnRequested { lines, reason: reason.cloned(), at }])
    }

    /// Without given lines, everything whose return was requested is accepted. Given lines may
    /// include delivered goods whose return was never requested.
    pub(super) fn accept_return(
        &self,
        lines: &[LineQuantity],
        restocked: Restocking,
        at: Timestamp,
    ) -> Decision {
        let acceptable = |line: &OrderLine| match lines {
            [] => line.return_requested,
            _ => line.delivered - line.returned,
        };
        let lines = self.named_or_all(lines, acceptable, |sku, returnable, wanted| {
            OrderError::ExceedsDelivered { sku, returnable, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToReturn);
        }
        Ok(vec![OrderEvent::Returned { lines, restocked, at }])
    }

    /// The given quantities, summed by SKU; or, if none are given, everything that `available`
    /// counts. If a quantity is larger than what is available, `exceeds` makes the error from the
    /// SKU, the available and the wanted units.
    fn named_or_all(
        &self,
        named: &[LineQuantity],
        available: impl Fn(&OrderLine) -> i64,
        exceeds: impl Fn(Sku, i64, i64) -> OrderError,
    ) -> Result<Vec<LineQuantity>, OrderError> {
        let mut wanted: BTreeMap<Sku, i64> = BTreeMap::new();
        for LineQuantity { sku, quantity } in named {
            *wanted.entry(sku.clone()).or_default() += quantity.units();
        }
        if named.is_empty() {
            let all = |line: &OrderLine| (line.ordered.sku.clone(), available(line));
            wanted.extend(self.lines.iter().map(all));
        }
        let mut quantities = vec![];
        for (sku, units) in wanted.into_iter().filter(|(_, units)| *units > 0) {
            let available = available(self.line(&sku)?);
            match Quantity::new(units) {
                Ok(quantity) if units <= available => {
                    quantities.push(LineQuantity { sku, quantity });
                }
                _ => return Err(exceeds(sku, available, units)),
            }
        }
        Ok(quantities)
    }
}
