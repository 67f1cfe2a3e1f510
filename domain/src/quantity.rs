//! A number of units of a product.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::grouped::grouped;
use crate::{ErrorCode, Invalid};

/// A number of units, 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    pub const MAX: u32 = 10_000;
    pub const ONE: Quantity = Quantity(1);

    pub fn new(units: i64) -> Result<Self, Invalid> {
        match u32::try_from(units) {
            Ok(units @ 1..=Self::MAX) => Ok(Quantity(units)),
            _ => Err(Invalid::new(
                ErrorCode::InvalidQuantity,
                format!(
                    "quantity must be between 1 and {}, got {units}",
                    grouped(Self::MAX.into())
                ),
            )),
        }
    }

    pub fn get(self) -> u32 {
        self.0
    }

    pub fn units(self) -> i64 {
        self.0.into()
    }

    /// The sum, unless it is more than [`Quantity::MAX`].
    pub fn plus(self, other: Quantity) -> Result<Self, Invalid> {
        Quantity::new(self.units() + other.units())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
