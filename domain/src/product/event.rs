//! The events of a product. These names and fields are the storage format: add, never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{Money, Sku, Text, Timestamp, stored_name};

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
    /// All three fields have their new values, also those that did not change.
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
    /// When the event was decided.
    pub fn at(&self) -> Timestamp {
        match self {
            ProductEvent::Created { at, .. }
            | ProductEvent::Updated { at, .. }
            | ProductEvent::Repriced { at, .. }
            | ProductEvent::Discontinued { at, .. }
            | ProductEvent::Reinstated { at, .. } => *at,
        }
    }
}

impl DomainEvent for ProductEvent {
    fn event_type(&self) -> String {
        stored_name(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
