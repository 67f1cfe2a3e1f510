//! A cart as the shop knows it, as far as `cartLinesAdd` goes: the same rules, the same events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Units of one line at most.
const MAX_UNITS: u32 = 10_000;
/// Lines at most.
const MAX_LINES: usize = 250;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Cart {
    owner: Option<Uuid>,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    sku: String,
    quantity: u32,
    unit_price: Money,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Money {
    pub amount: i64,
    pub currency: String,
}

/// Puts units of a product into the cart, which begins with it where there was none.
#[derive(Debug, Clone)]
pub struct AddLine {
    pub owner: Uuid,
    pub sku: String,
    pub quantity: u32,
    pub unit_price: Money,
}

/// Stored in the form in which the shop stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CartEvent {
    #[serde(rename = "cart.created")]
    Created { owner: Uuid, at: DateTime<Utc> },
    #[serde(rename = "cart.line_added")]
    LineAdded { sku: String, quantity: u32, unit_price: Money, at: DateTime<Utc> },
    #[serde(rename = "cart.line_quantity_changed")]
    LineQuantityChanged { sku: String, quantity: u32, at: DateTime<Utc> },
}

#[derive(Debug, thiserror::Error)]
pub enum CartError {
    #[error("a line has at most {MAX_UNITS} units")]
    TooManyUnits,
    #[error("a cart has at most {MAX_LINES} lines")]
    TooManyLines,
    #[error("this cart is priced in {0}")]
    CurrencyMismatch(String),
}

impl Cart {
    pub fn add_line(&self, command: &AddLine) -> Result<Vec<CartEvent>, CartError> {
        let AddLine { owner, sku, quantity, unit_price } = command;
        let at = Utc::now();
        let mut events = vec![];
        if self.owner.is_none() {
            events.push(CartEvent::Created { owner: *owner, at });
        }
        if let Some(line) = self.lines.first()
            && line.unit_price.currency != unit_price.currency
        {
            return Err(CartError::CurrencyMismatch(line.unit_price.currency.clone()));
        }
        let sku = sku.clone();
        match self.lines.iter().find(|line| line.sku == sku) {
            Some(line) if line.quantity + quantity > MAX_UNITS => {
                return Err(CartError::TooManyUnits);
            }
            Some(line) => {
                let quantity = line.quantity + quantity;
                events.push(CartEvent::LineQuantityChanged { sku, quantity, at });
            }
            None if self.lines.len() >= MAX_LINES => return Err(CartError::TooManyLines),
            None => {
                let (quantity, unit_price) = (*quantity, unit_price.clone());
                events.push(CartEvent::LineAdded { sku, quantity, unit_price, at });
            }
        }
        Ok(events)
    }

    pub fn fold(&mut self, event: CartEvent) {
        match event {
            CartEvent::Created { owner, .. } => self.owner = Some(owner),
            CartEvent::LineAdded { sku, quantity, unit_price, .. } => {
                self.lines.push(Line { sku, quantity, unit_price });
            }
            CartEvent::LineQuantityChanged { sku, quantity, .. } => {
                if let Some(line) = self.lines.iter_mut().find(|line| line.sku == sku) {
                    line.quantity = quantity;
                }
            }
        }
    }

    pub fn units(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.quantity)).sum()
    }
}

impl CartEvent {
    pub fn name(&self) -> &'static str {
        match self {
            CartEvent::Created { .. } => "cart.created",
            CartEvent::LineAdded { .. } => "cart.line_added",
            CartEvent::LineQuantityChanged { .. } => "cart.line_quantity_changed",
        }
    }
}
