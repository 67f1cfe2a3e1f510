//! The queries of products.

use async_graphql::{Context, InputObject, Object, Result};
use domain::Sku;
use projections::ReadModel;

use super::Product;
use crate::graphql::connection::{connect, connection, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::position::Position;
use crate::graphql::shop::shop;

/// The read models from which a product and its available units are read.
const PRODUCT_MODELS: [ReadModel; 3] =
    [ReadModel::Products, ReadModel::Inventory, ReadModel::Reservations];

/// Selects products. Conditions that are left out or null match every product; all others must hold
/// together.
#[derive(Debug, Default, InputObject)]
pub struct ProductFilter {
    /// Part of the SKU or the name, in any case.
    search: Option<String>,
    /// True for products on sale, false for discontinued products.
    active: Option<bool>,
}

connection!(ProductConnection, ProductEdge, Product, "product", "products");

#[derive(Debug, Default)]
pub struct ProductQuery;

#[Object]
impl ProductQuery {
    /// A product of the catalogue, on sale or discontinued. Null if no product has this SKU.
    ///
    /// Anyone may call it.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's SKU in the right case, such as `TEA-100`.")] sku: String,
        #[graphql(
            desc = "Wait until the catalogue and the stock show the event at this position."
        )]
        min_position: Option<Position>,
    ) -> Result<Option<Product>> {
        shop(ctx).wait_for_models(&PRODUCT_MODELS, min_position).await?;
        let Ok(sku) = sku.parse::<Sku>() else { return Ok(None) };
        let row = shop(ctx).read_models.product(&sku).await.map_err(query_error)?;
        Ok(row.and_then(|row| Product::new(row.version, row.state)))
    }

    /// The products of the catalogue, on sale and discontinued, in the order of their SKUs.
    ///
    /// Anyone may call it.
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of products, 0 to 100; 20 by default.")] first: Option<
            i32,
        >,
        #[graphql(
            desc = "The `cursor` of the last product already seen; by default the list starts with the first SKU."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Conditions that the products must all meet; without it, every product is listed."
        )]
        filter: Option<ProductFilter>,
        #[graphql(
            desc = "Wait until the catalogue and the stock show the event at this position."
        )]
        min_position: Option<Position>,
    ) -> Result<ProductConnection> {
        shop(ctx).wait_for_models(&PRODUCT_MODELS, min_position).await?;
        let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
        let filter = filter.unwrap_or_default();
        let filter = projections::products::Filter { search: filter.search, active: filter.active };
        let slice = shop(ctx).read_models.products(&filter, &page).await.map_err(query_error)?;
        Ok(connect(slice, has_previous, |row| Product::new(row.version, row.state)))
    }
}
