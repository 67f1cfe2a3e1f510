//! A product: what is sold, and for how much. Read `event.rs`, `command.rs`, then this file.

mod command;
mod event;
#[cfg(test)]
mod tests;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{ProductCommand, ProductError};
pub use self::event::ProductEvent;
use crate::decide::handle;
use crate::{Decide, Money, Sku, Text, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Product {
    #[default]
    Absent,
    Active(Listing),
    Discontinued(Listing),
}

/// A product's page in the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub sku: Sku,
    pub name: Text,
    pub description: Option<Text>,
    pub image_url: Option<Text>,
    pub price: Money,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a customer is offered now: only a product that is sold makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub sku: Sku,
    pub name: Text,
    pub price: Money,
}

impl Product {
    pub fn listing(&self) -> Option<&Listing> {
        match self {
            Product::Absent => None,
            Product::Active(listing) | Product::Discontinued(listing) => Some(listing),
        }
    }

    pub fn is_active(&self) -> bool {
        matches!(self, Product::Active(_))
    }

    /// The present offer of the product that should have this SKU.
    pub fn offer(&self, sku: &Sku) -> Result<Offer, ProductError> {
        match self {
            Product::Absent => Err(ProductError::NotFound(sku.clone())),
            Product::Discontinued(_) => Err(ProductError::Discontinued(sku.clone())),
            Product::Active(listing) => Ok(Offer {
                sku: listing.sku.clone(),
                name: listing.name.clone(),
                price: listing.price,
            }),
        }
    }
}

impl Decide for Product {
    /// All the rules of a product.
    fn decide(
        &self,
        command: &ProductCommand,
        at: Timestamp,
    ) -> Result<Vec<ProductEvent>, ProductError> {
        let (command, listing) = match (self.listing(), command) {
            (None, ProductCommand::Create { sku, name, description, image_url, price }) => {
                positive(*price)?;
                return Ok(vec![ProductEvent::Created {
                    sku: sku.clone(),
                    name: name.clone(),
                    description: description.clone(),
                    image_url: image_url.clone(),
                    price: *price,
                    at,
                }]);
            }
            (None, _) => return Err(ProductError::Missing),
            (Some(listing), command) => (command, listing),
        };
        match command {
            ProductCommand::Create { sku, .. } => Err(ProductError::Exists(sku.clone())),
            ProductCommand::Update { name, description, image_url } => {
                let name = name.as_ref().unwrap_or(&listing.name);
                let description = description.as_ref().or(listing.description.as_ref());
                let image_url = image_url.as_ref().or(listing.image_url.as_ref());
                if name == &listing.name
                    && description == listing.description.as_ref()
                    && image_url == listing.image_url.as_ref()
                {
                    return Ok(vec![]);
                }
                Ok(vec![ProductEvent::Updated {
                    name: name.clone(),
                    description: description.cloned(),
                    image_url: image_url.cloned(),
                    at,
                }])
            }
            ProductCommand::Reprice { price } => {
                positive(*price)?;
                if price.currency != listing.price.currency {
                    return Err(ProductError::OtherCurrency(listing.price.currency));
                }
                if *price == listing.price {
                    return Ok(vec![]);
                }
                Ok(vec![ProductEvent::Repriced { price: *price, at }])
            }
            ProductCommand::Discontinue if !self.is_active() => Ok(vec![]),
            ProductCommand::Discontinue => Ok(vec![ProductEvent::Discontinued { at }]),
            ProductCommand::Reinstate if self.is_active() => Ok(vec![]),
            ProductCommand::Reinstate => Ok(vec![ProductEvent::Reinstated { at }]),
        }
    }
}

fn positive(price: Money) -> Result<(), ProductError> {
    if price.amount <= 0 {
        return Err(ProductError::PriceNotPositive);
    }
    Ok(())
}

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    type Command = ProductCommand;
    type Event = ProductEvent;
    type Error = ProductError;
    type Services = Timestamp;

    async fn handle(
        &mut self,
        command: ProductCommand,
        now: &Timestamp,
        sink: &EventSink<Self>,
    ) -> Result<(), ProductError> {
        handle(self, &command, *now, sink).await
    }

    fn apply(&mut self, event: ProductEvent) {
        match event {
            ProductEvent::Created { sku, name, description, image_url, price, at } => {
                let (created_at, updated_at) = (at, at);
                *self = Product::Active(Listing {
                    sku,
                    name,
                    description,
                    image_url,
                    price,
                    created_at,
                    updated_at,
                });
            }
            ProductEvent::Updated { name, description, image_url, at } => {
                self.change(at, |listing| {
                    listing.name = name;
                    listing.description = description;
                    listing.image_url = image_url;
                });
            }
            ProductEvent::Repriced { price, at } => self.change(at, |l| l.price = price),
            ProductEvent::Discontinued { at } => {
                self.change(at, |_| ());
                if let Product::Active(listing) = std::mem::take(self) {
                    *self = Product::Discontinued(listing);
                }
            }
            ProductEvent::Reinstated { at } => {
                self.change(at, |_| ());
                if let Product::Discontinued(listing) = std::mem::take(self) {
                    *self = Product::Active(listing);
                }
            }
        }
    }
}

impl Product {
    fn change(&mut self, at: Timestamp, change: impl FnOnce(&mut Listing)) {
        if let Product::Active(listing) | Product::Discontinued(listing) = self {
            change(listing);
            listing.updated_at = at;
        }
    }
}
