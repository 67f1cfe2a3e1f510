//! The rate of the tax, and whether prices include it.

use serde::{Deserialize, Serialize};

use super::Percent;

/// The tax on goods and on shipping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    pub rate: Percent,
    pub mode: TaxMode,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaxMode {
    /// Tax is added to the prices.
    #[default]
    Exclusive,
    /// The prices include the tax.
    Inclusive,
}
