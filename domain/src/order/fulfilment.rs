//! Goods on their way to the customer, and back.

use std::collections::BTreeMap;

use super::{
    Lifecycle, LineQuantity, OrderDetails, OrderError, OrderEvent, OrderLine, Restocking, Shipment,
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

    pub(super) fn ship(
        &self,
        shipment: &Shipment,
        at: Timestamp,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        self.must_be_processing()?;
        self.must_be_paid()?;
        let unshipped = |line: &OrderLine| line.ordered.quantity.units() - line.shipped;
        let lines = self.parts(&shipment.lines, unshipped, |sku, unshipped, wanted| {
            OrderError::ExceedsUnshipped { sku, unshipped, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToShip);
        }
        let shipment = Shipment { lines, ..shipment.clone() };
        Ok(vec![OrderEvent::Shipped { shipment, at }])
    }

    pub(super) fn deliver(
        &self,
        lines: &[LineQuantity],
        at: Timestamp,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        self.must_be_processing()?;
        let undelivered = |line: &OrderLine| line.shipped - line.delivered;
        let lines = self.parts(lines, undelivered, |sku, undelivered, wanted| {
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
    ) -> Result<Vec<OrderEvent>, OrderError> {
        let returnable = |line: &OrderLine| line.delivered - line.returned - line.return_requested;
        let lines = self.parts(lines, returnable, |sku, returnable, wanted| {
            OrderError::ExceedsDelivered { sku, returnable, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToReturn);
        }
        Ok(vec![OrderEvent::ReturnRequested { lines, reason: reason.cloned(), at }])
    }

    /// Where no lines are named, all that was asked about comes back.
    pub(super) fn accept_return(
        &self,
        lines: &[LineQuantity],
        restocked: Restocking,
        at: Timestamp,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        let open = |line: &OrderLine| match lines {
            [] => line.return_requested,
            _ => line.delivered - line.returned,
        };
        let lines = self.parts(lines, open, |sku, returnable, wanted| {
            OrderError::ExceedsDelivered { sku, returnable, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToReturn);
        }
        Ok(vec![OrderEvent::Returned { lines, restocked, at }])
    }

    /// The named parts, one per SKU; where none is named, all that is open.
    fn parts(
        &self,
        named: &[LineQuantity],
        open: impl Fn(&OrderLine) -> i64,
        exceeds: impl Fn(Sku, i64, i64) -> OrderError,
    ) -> Result<Vec<LineQuantity>, OrderError> {
        let mut wanted: BTreeMap<Sku, i64> = BTreeMap::new();
        for part in named {
            *wanted.entry(part.sku.clone()).or_default() += part.quantity.units();
        }
        if named.is_empty() {
            wanted.extend(self.lines.iter().map(|line| (line.ordered.sku.clone(), open(line))));
        }
        let mut parts = vec![];
        for (sku, units) in wanted.into_iter().filter(|(_, units)| *units > 0) {
            let open = open(self.line(&sku)?);
            match Quantity::new(units) {
                Ok(quantity) if units <= open => parts.push(LineQuantity { sku, quantity }),
                _ => return Err(exceeds(sku, open, units)),
            }
        }
        Ok(parts)
    }
}
