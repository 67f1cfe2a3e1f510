//! What can happen to a product. These names and fields are the storage format: add, never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{Money, Sku, Text, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ProductEvent {
    #[serde(rename = "product.created")]
    Created {
        sku: Sku,
        name: Text,
        description: Option<Text>,
        image_url: Option<Text>,
        price: Money,
        at: Timestamp,
    },
    /// The whole description as it now is.
    #[serde(rename = "product.updated")]
    Updated { name: Text, description: Option<Text>, image_url: Option<Text>, at: Timestamp },
    #[serde(rename = "product.repriced")]
    Repriced { price: Money, at: Timestamp },
    #[serde(rename = "product.discontinued")]
    Discontinued { at: Timestamp },
    #[serde(rename = "product.reinstated")]
    Reinstated { at: Timestamp },
}

impl ProductEvent {
    pub fn name(&self) -> &'static str {
        match self {
            ProductEvent::Created { .. } => "product.created",
            ProductEvent::Updated { .. } => "product.updated",
            ProductEvent::Repriced { .. } => "product.repriced",
            ProductEvent::Discontinued { .. } => "product.discontinued",
            ProductEvent::Reinstated { .. } => "product.reinstated",
        }
    }
}

impl DomainEvent for ProductEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
