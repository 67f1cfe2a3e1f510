//! The contents of a cart, folded from its events.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{CartEvent, Owner};
use crate::coupon::CouponCode;
use crate::{Currency, Money, MoneyError, Quantity, Sku, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CartDetails {
    pub owner: Owner,
    pub lines: Vec<CartLine>,
    /// A cart has at most one.
    pub coupon: Option<CouponCode>,
    /// The cart expires after this many seconds without a change.
    pub idle_seconds: u32,
    pub created_at: Timestamp,
    pub touched_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CartLine {
    pub sku: Sku,
    pub quantity: Quantity,
    /// The price when the product was last added.
    pub unit_price: Money,
}

impl CartLine {
    pub fn total(&self) -> Result<Money, MoneyError> {
        self.unit_price.times(self.quantity)
    }
}

impl CartDetails {
    pub(super) fn new(owner: Owner, idle_seconds: u32, at: Timestamp) -> Self {
        let (lines, coupon) = (vec![], None);
        CartDetails { owner, lines, coupon, idle_seconds, created_at: at, touched_at: at }
    }

    /// When the cart expires if it is not changed before.
    pub fn expires_at(&self) -> Timestamp {
        self.touched_at + TimeDelta::seconds(self.idle_seconds.into())
    }

    pub fn line(&self, sku: &Sku) -> Option<&CartLine> {
        self.lines.iter().find(|line| line.sku == *sku)
    }

    pub fn currency(&self) -> Option<Currency> {
        self.lines.first().map(|line| line.unit_price.currency)
    }

    /// The sum of the lines at the prices of the cart; `None` for an empty cart, which has no
    /// currency.
    pub fn total(&self) -> Option<Result<Money, MoneyError>> {
        let currency = self.currency()?;
        let add = |sum: Money, line: &CartLine| sum.plus(line.total()?);
        Some(self.lines.iter().try_fold(Money::zero(currency), add))
    }

    pub(super) fn apply(&mut self, event: &CartEvent) {
        self.touched_at = event.at();
        match event {
            CartEvent::LineAdded { sku, quantity, unit_price, .. } => {
                self.add_line(sku.clone(), *quantity, *unit_price);
            }
            CartEvent::LineQuantityChanged { sku, quantity, .. } => {
                self.change(sku, |line| line.quantity = *quantity);
            }
            CartEvent::LineRepriced { sku, unit_price, .. } => {
                self.change(sku, |line| line.unit_price = *unit_price);
            }
            CartEvent::LineRemoved { sku, .. } => self.lines.retain(|line| line.sku != *sku),
            CartEvent::Cleared { .. } => self.lines.clear(),
            CartEvent::CouponApplied { code, .. } => self.coupon = Some(code.clone()),
            CartEvent::CouponRemoved { .. } => self.coupon = None,
            CartEvent::Assigned { customer, .. } => self.owner = Owner::Customer(*customer),
            // These events change the cart's state, and not its details.
            CartEvent::Created { .. } | CartEvent::Merged { .. } => {}
            CartEvent::CheckedOut { .. } | CartEvent::Expired { .. } => {}
        }
    }

    fn add_line(&mut self, sku: Sku, quantity: Quantity, unit_price: Money) {
        self.lines.push(CartLine { sku, quantity, unit_price });
    }

    fn change(&mut self, sku: &Sku, change: impl FnOnce(&mut CartLine)) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.sku == *sku) {
            change(line);
        }
    }
}
