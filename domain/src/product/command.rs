//! The commands of a product, and the errors with which it refuses them.

use crate::{Currency, ErrorCode, Money, Sku, Text};

#[derive(Debug, Clone, PartialEq)]
pub enum ProductCommand {
    Create {
        sku: Sku,
        name: Text,
        description: Option<Text>,
        image_url: Option<Text>,
        price: Money,
    },
    /// Fields that are `None` are not changed.
    Update {
        name: Option<Text>,
        description: Option<Text>,
        image_url: Option<Text>,
    },
    Reprice {
        price: Money,
    },
    Discontinue,
    Reinstate,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProductError {
    #[error("there is already a product with SKU {0}; update it, or choose another SKU")]
    Exists(Sku),
    #[error("there is no product with this SKU")]
    Missing,
    #[error("there is no product with SKU {0}")]
    NotFound(Sku),
    #[error("product {0} is no longer sold")]
    Discontinued(Sku),
    #[error("price must be more than 0, got {0}")]
    PriceNotPositive(Money),
    #[error("this product is priced in {own} and keeps its currency, got a price in {other}")]
    OtherCurrency { own: Currency, other: Currency },
}

impl ProductError {
    pub fn code(&self) -> ErrorCode {
        match self {
            ProductError::Exists(_) => ErrorCode::ProductExists,
            ProductError::Missing | ProductError::NotFound(_) => ErrorCode::ProductNotFound,
            ProductError::Discontinued(_) => ErrorCode::ProductDiscontinued,
            ProductError::PriceNotPositive(_) => ErrorCode::InvalidAmount,
            ProductError::OtherCurrency { .. } => ErrorCode::CurrencyMismatch,
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        match self {
            ProductError::PriceNotPositive(_) | ProductError::OtherCurrency { .. } => "price",
            _ => "sku",
        }
    }
}
