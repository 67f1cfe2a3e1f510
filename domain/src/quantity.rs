//! How many of a product somebody wants.

use std::fmt;

use serde::{Deserialize, Serialize};

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
                format!("a quantity is a number from 1 to {}, not {units}", Self::MAX),
            )),
        }
    }

    pub fn get(self) -> u32 {
        self.0
    }

    pub fn units(self) -> i64 {
        self.0.into()
    }

    /// The sum, as long as one line may hold it.
    pub fn plus(self, other: Quantity) -> Result<Self, Invalid> {
        Quantity::new(self.units() + other.units())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
