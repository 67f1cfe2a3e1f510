//! The type `Product`.

use async_graphql::{Context, Description, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::Text;
use domain::product::{Listing, Product as State};

use crate::graphql::errors::query_error;
use crate::graphql::money::Money;
use crate::graphql::shop::shop;

/// A product of the catalogue. Everyone sees all products, discontinued ones included.
#[derive(Debug, Description)]
pub struct Product {
    version: i32,
    active: bool,
    listing: Listing,
}

impl Product {
    pub fn new(version: i32, state: State) -> Option<Self> {
        let active = state.is_active();
        match state {
            State::Absent => None,
            State::Active(listing) | State::Discontinued(listing) => {
                Some(Product { version, active, listing })
            }
        }
    }
}

#[Object(use_type_description)]
impl Product {
    /// A UUID that follows from the SKU.
    pub async fn id(&self) -> ID {
        self.listing.sku.product().id.into()
    }

    /// The stock keeping unit: the unique name of the product in catalogue and warehouse, such as
    /// `TEA-100`. Case matters.
    async fn sku(&self) -> &str {
        self.listing.sku.as_str()
    }

    /// What customers see as the product's name, at most 200 characters.
    async fn name(&self) -> &str {
        self.listing.name.as_str()
    }

    /// Text for the product's page, at most 5,000 characters; null if there is none.
    async fn description(&self) -> Option<&str> {
        self.listing.description.as_ref().map(Text::as_str)
    }

    /// Address of the product's picture, as it was entered; null if there is none.
    async fn image_url(&self) -> Option<&str> {
        self.listing.image_url.as_ref().map(Text::as_str)
    }

    /// Current price of one unit. Whether it includes tax is the same for the whole shop: see
    /// `Order.taxMode`.
    async fn price(&self) -> Money {
        Money(self.listing.price)
    }

    /// True while the product is on sale. A discontinued product cannot be added to a cart or
    /// ordered.
    async fn active(&self) -> bool {
        self.active
    }

    /// Number of units that can be ordered now; 0 if no stock is registered. It changes with every
    /// reservation.
    async fn available(&self, ctx: &Context<'_>) -> Result<i64> {
        let item = shop(ctx).read_models.inventory_item(&self.listing.sku, Utc::now()).await;
        let item = item.map_err(query_error)?;
        Ok(item.map_or(0, |row| row.state.available()))
    }

    /// Time at which the product was first added to the catalogue.
    async fn created_at(&self) -> DateTime<Utc> {
        self.listing.created_at
    }

    /// Time of the last change of the text, the price or the sale of the product. Stock does not
    /// count.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.listing.updated_at
    }

    /// Grows with every change of the product. Send it as `expectedVersion` to change only what you
    /// have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}
