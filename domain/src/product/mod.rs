//! A product: its SKU, name, description and price. Read `event.rs`, `command.rs`, then this file.

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

/// What the catalogue shows about a product.
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

/// The current name and price of a product that is sold.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub sku: Sku,
    pub name: Text,
    pub price: Money,
}

/// The events of a decision, or why it is refused.
type Decision = Result<Vec<ProductEvent>, ProductError>;

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

    /// The current offer, if the product exists and is still sold; `sku` is for the error.
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
    fn decide(&self, command: &ProductCommand, at: Timestamp) -> Decision {
        match (self, command) {
            (Product::Absent, command) => create(command, at),
            (Product::Discontinued(_), ProductCommand::Discontinue) => Ok(vec![]),
            (Product::Active(_), ProductCommand::Reinstate) => Ok(vec![]),
            (Product::Active(listing) | Product::Discontinued(listing), command) => {
                listing.decide(command, at)
            }
        }
    }
}

/// Only `Create` creates a product.
fn create(command: &ProductCommand, at: Timestamp) -> Decision {
    let ProductCommand::Create { sku, name, description, image_url, price } = command else {
        return Err(ProductError::Missing);
    };
    must_be_positive(*price)?;
    Ok(vec![ProductEvent::Created {
        sku: sku.clone(),
        name: name.clone(),
        description: description.clone(),
        image_url: image_url.clone(),
        price: *price,
        at,
    }])
}

fn must_be_positive(price: Money) -> Result<(), ProductError> {
    if price.amount <= 0 {
        return Err(ProductError::PriceNotPositive(price));
    }
    Ok(())
}

impl Listing {
    fn decide(&self, command: &ProductCommand, at: Timestamp) -> Decision {
        match command {
            ProductCommand::Create { sku, .. } => Err(ProductError::Exists(sku.clone())),
            ProductCommand::Update { name, description, image_url } => {
                Ok(self.update(name.as_ref(), description.as_ref(), image_url.as_ref(), at))
            }
            ProductCommand::Reprice { price } => self.reprice(*price, at),
            ProductCommand::Discontinue => Ok(vec![ProductEvent::Discontinued { at }]),
            ProductCommand::Reinstate => Ok(vec![ProductEvent::Reinstated { at }]),
        }
    }

    fn update(
        &self,
        name: Option<&Text>,
        description: Option<&Text>,
        image_url: Option<&Text>,
        at: Timestamp,
    ) -> Vec<ProductEvent> {
        let name = name.unwrap_or(&self.name);
        let description = description.or(self.description.as_ref());
        let image_url = image_url.or(self.image_url.as_ref());
        let own = (&self.name, self.description.as_ref(), self.image_url.as_ref());
        if (name, description, image_url) == own {
            return vec![];
        }
        let (name, description, image_url) =
            (name.clone(), description.cloned(), image_url.cloned());
        vec![ProductEvent::Updated { name, description, image_url, at }]
    }

    fn reprice(&self, price: Money, at: Timestamp) -> Decision {
        must_be_positive(price)?;
        if price.currency != self.price.currency {
            let (own, other) = (self.price.currency, price.currency);
            return Err(ProductError::OtherCurrency { own, other });
        }
        if price == self.price {
            return Ok(vec![]);
        }
        Ok(vec![ProductEvent::Repriced { price, at }])
    }
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
        let at = event.at();
        match event {
            ProductEvent::Created { sku, name, description, image_url, price, .. } => {
                *self = Product::Active(Listing::new(sku, name, description, image_url, price, at));
            }
            ProductEvent::Updated { name, description, image_url, .. } => {
                self.change(|listing| listing.describe(name, description, image_url));
            }
            ProductEvent::Repriced { price, .. } => self.change(|listing| listing.price = price),
            ProductEvent::Discontinued { .. } => self.enter(Product::Discontinued),
            ProductEvent::Reinstated { .. } => self.enter(Product::Active),
        }
        self.change(|listing| listing.updated_at = at);
    }
}

impl Product {
    fn change(&mut self, change: impl FnOnce(&mut Listing)) {
        if let Product::Active(listing) | Product::Discontinued(listing) = self {
            change(listing);
        }
    }

    /// Keeps the listing and changes the state.
    fn enter(&mut self, state: fn(Listing) -> Product) {
        if let Product::Active(listing) | Product::Discontinued(listing) = std::mem::take(self) {
            *self = state(listing);
        }
    }
}

impl Listing {
    fn new(
        sku: Sku,
        name: Text,
        description: Option<Text>,
        image_url: Option<Text>,
        price: Money,
        at: Timestamp,
    ) -> Self {
        Listing { sku, name, description, image_url, price, created_at: at, updated_at: at }
    }

    fn describe(&mut self, name: Text, description: Option<Text>, image_url: Option<Text>) {
        self.name = name;
        self.description = description;
        self.image_url = image_url;
    }
}
