//! What may be asked of a product, and why it may be refused.

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
    /// Fields that are `None` stay as they are.
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
    #[error("there is already a product {0}")]
    Exists(Sku),
    #[error("there is no such product")]
    Missing,
    #[error("there is no product {0}")]
    NotFound(Sku),
    #[error("product {0} is no longer sold")]
    Discontinued(Sku),
    #[error("a price is more than nothing")]
    PriceNotPositive,
    #[error("this product is priced in {0}; a product keeps its currency")]
    OtherCurrency(Currency),
}

impl ProductError {
    pub fn code(&self) -> ErrorCode {
        match self {
            ProductError::Exists(_) => ErrorCode::ProductExists,
            ProductError::Missing | ProductError::NotFound(_) => ErrorCode::ProductNotFound,
            ProductError::Discontinued(_) => ErrorCode::ProductDiscontinued,
            ProductError::PriceNotPositive => ErrorCode::InvalidAmount,
            ProductError::OtherCurrency(_) => ErrorCode::CurrencyMismatch,
        }
    }

    pub fn field(&self) -> &'static str {
        match self {
            ProductError::PriceNotPositive | ProductError::OtherCurrency(_) => "price",
            _ => "sku",
        }
    }
}
