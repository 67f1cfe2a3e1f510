//! The stock keeping unit: the id by which catalogue and warehouse know a product.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Invalid, Kind, StreamId};

/// 1 to 64 letters, digits, dots, dashes and underscores. Upper and lower case are different.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sku(Arc<str>);

impl Sku {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stream of the product that has this SKU.
    pub fn product(&self) -> StreamId {
        StreamId::natural(Kind::Product, self.as_str())
    }

    /// The stream of the stock of this SKU.
    pub fn inventory(&self) -> StreamId {
        StreamId::natural(Kind::Inventory, self.as_str())
    }
}

impl FromStr for Sku {
    type Err = Invalid;

    fn from_str(sku: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if sku.is_empty() || sku.len() > 64 || !sku.bytes().all(allowed) {
            return Err(Invalid::new(
                ErrorCode::InvalidSku,
                "a SKU must have 1 to 64 characters: letters, digits, dots, dashes and underscores",
            ));
        }
        Ok(Sku(sku.into()))
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
