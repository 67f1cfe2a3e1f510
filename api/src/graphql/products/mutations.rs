//! The mutations of products.

use async_graphql::{Context, ID, InputObject, Object, Result};
use commands::AggregateCommand;
use domain::Text;
use domain::product::ProductCommand;
use serde::Serialize;

use super::Product;
use crate::graphql::errors::Failure;
use crate::graphql::input::{parse, parse_sku};
use crate::graphql::money::MoneyInput;
use crate::graphql::mutation::{Completed, MutationOptions, execute, payload};

/// A new product for the catalogue.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductCreateInput {
    /// The new SKU: 1 to 64 letters, digits, dots, dashes and underscores. Case matters, and it can
    /// never be changed.
    sku: String,
    /// Name for customers, 1 to 200 characters.
    name: String,
    /// Text for the product's page, 1 to 5,000 characters; without it, the product has none.
    description: Option<String>,
    /// Address of a picture, 1 to 2,000 characters; without it, the product has none. It is not
    /// checked.
    image_url: Option<String>,
    /// Price of one unit, greater than zero. Its currency can never be changed.
    price: MoneyInput,
    /// With the same key, a repeated request returns the first product instead of the error
    /// `PRODUCT_EXISTS`. See `Mutation`.
    idempotency_key: Option<ID>,
}

/// New texts for a product. A field that is left out or null keeps its value; a text cannot be
/// removed.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductUpdateInput {
    /// SKU of the product whose texts change; the SKU itself stays.
    sku: String,
    /// New name for customers, 1 to 200 characters.
    name: Option<String>,
    /// New text for the product's page, 1 to 5,000 characters.
    description: Option<String>,
    /// New address of the picture, 1 to 2,000 characters. It is not checked.
    image_url: Option<String>,
    /// With the same key, a repeated request does not undo a later update. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the product has this version, so that you do not
    /// overwrite another person's texts.
    expected_version: Option<i32>,
}

/// A new price for a product.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductRepriceInput {
    /// SKU of the product whose price changes.
    sku: String,
    /// The new price of one unit, greater than zero, in the product's currency.
    price: MoneyInput,
    /// With the same key, a repeated request does not undo a later price. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the product has this version, so that you do not
    /// overwrite another person's price.
    expected_version: Option<i32>,
}

/// The product to take off sale.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductDiscontinueInput {
    /// SKU of the product to take off sale.
    sku: String,
    /// With the same key, a repeated request does not discontinue a product that was reinstated
    /// since. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the product has this version, so that only the product
    /// you have seen is taken off sale.
    expected_version: Option<i32>,
}

/// The product to put back on sale.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductReinstateInput {
    /// SKU of the discontinued product.
    sku: String,
    /// With the same key, a repeated request does not reinstate a product that was discontinued
    /// since. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the product has this version, so that only the product
    /// you have seen is put on sale.
    expected_version: Option<i32>,
}

payload! {
    productCreate => ProductCreatePayload {
        /// The new product, which is on sale at once. Null if the request was refused.
        product: Product
    }
}
payload! {
    productUpdate => ProductUpdatePayload {
        /// The product with its new texts. Null if the request was refused.
        product: Product
    }
}
payload! {
    productReprice => ProductRepricePayload {
        /// The product with its new price. Null if the request was refused.
        product: Product
    }
}
payload! {
    productDiscontinue => ProductDiscontinuePayload {
        /// The product, which is no longer on sale. Null if the request was refused.
        product: Product
    }
}
payload! {
    productReinstate => ProductReinstatePayload {
        /// The product, which is on sale again. Null if the request was refused.
        product: Product
    }
}

#[derive(Debug, Default)]
pub struct ProductMutation;

#[Object]
impl ProductMutation {
    /// Adds a product to the catalogue; it is on sale at once.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `PRODUCT_EXISTS`, `INVALID_SKU`, `INVALID_TEXT`, `CARD_NUMBER_REFUSED`,
    /// `INVALID_AMOUNT`, `INVALID_CURRENCY`.
    async fn product_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKU, the price and the texts of the new product.")]
        input: ProductCreateInput,
    ) -> Result<ProductCreatePayload> {
        ProductCreatePayload::render(create(ctx, input).await)
    }

    /// Changes the name, the description or the picture of a product.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `PRODUCT_NOT_FOUND`, `INVALID_SKU`, `INVALID_TEXT`, `CARD_NUMBER_REFUSED`,
    /// `VERSION_CONFLICT`.
    async fn product_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product and its new texts.")] input: ProductUpdateInput,
    ) -> Result<ProductUpdatePayload> {
        ProductUpdatePayload::render(update(ctx, input).await)
    }

    /// Changes the price of a product. Orders that were placed keep their price. Lines that are in
    /// carts keep the captured price, but checkout charges the new one: see
    /// `OrderPlaceInput.expectedTotal`.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `PRODUCT_NOT_FOUND`, `INVALID_SKU`, `INVALID_AMOUNT`, `INVALID_CURRENCY`,
    /// `CURRENCY_MISMATCH`, `VERSION_CONFLICT`.
    async fn product_reprice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product and its new price.")] input: ProductRepriceInput,
    ) -> Result<ProductRepricePayload> {
        ProductRepricePayload::render(reprice(ctx, input).await)
    }

    /// Takes a product off sale. It stays in the catalogue, orders are not affected, and carts that
    /// contain it cannot be checked out until the line is removed. Nothing changes if it is off sale
    /// already.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `PRODUCT_NOT_FOUND`, `INVALID_SKU`, `VERSION_CONFLICT`.
    async fn product_discontinue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKU of the product to take off sale.")]
        input: ProductDiscontinueInput,
    ) -> Result<ProductDiscontinuePayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("productDiscontinue", ProductCommand::Discontinue);
        ProductDiscontinuePayload::render(
            execute_on_product(ctx, name, &input.sku, &input, options, command).await,
        )
    }

    /// Puts a discontinued product back on sale. Nothing changes if it is on sale already.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `PRODUCT_NOT_FOUND`, `INVALID_SKU`, `VERSION_CONFLICT`.
    async fn product_reinstate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKU of the product to put back on sale.")]
        input: ProductReinstateInput,
    ) -> Result<ProductReinstatePayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("productReinstate", ProductCommand::Reinstate);
        ProductReinstatePayload::render(
            execute_on_product(ctx, name, &input.sku, &input, options, command).await,
        )
    }
}

async fn create(
    ctx: &Context<'_>,
    input: ProductCreateInput,
) -> Result<Completed<Product>, Failure> {
    let command = parse(|parser| {
        let sku = parser.sku(&["sku"], &input.sku);
        let name = parser.text(&["name"], &input.name, Text::SHORT);
        let description =
            parser.optional_text(&["description"], input.description.as_ref(), Text::LONG);
        let image_url = parser.optional_text(&["imageUrl"], input.image_url.as_ref(), 2_000);
        let price = parser.money(&["price"], &input.price);
        Some(ProductCommand::Create {
            sku: sku?,
            name: name?,
            description: description?,
            image_url: image_url?,
            price: price?,
        })
    })?;
    let options = MutationOptions::new(&input.idempotency_key, None);
    execute_on_product(ctx, "productCreate", &input.sku, &input, options, command).await
}

async fn update(
    ctx: &Context<'_>,
    input: ProductUpdateInput,
) -> Result<Completed<Product>, Failure> {
    let command = parse(|parser| {
        let name = parser.optional_text(&["name"], input.name.as_ref(), Text::SHORT);
        let description =
            parser.optional_text(&["description"], input.description.as_ref(), Text::LONG);
        let image_url = parser.optional_text(&["imageUrl"], input.image_url.as_ref(), 2_000);
        Some(ProductCommand::Update {
            name: name?,
            description: description?,
            image_url: image_url?,
        })
    })?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    execute_on_product(ctx, "productUpdate", &input.sku, &input, options, command).await
}

async fn reprice(
    ctx: &Context<'_>,
    input: ProductRepriceInput,
) -> Result<Completed<Product>, Failure> {
    let price = parse(|parser| parser.money(&["price"], &input.price))?;
    let command = ProductCommand::Reprice { price };
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    execute_on_product(ctx, "productReprice", &input.sku, &input, options, command).await
}

async fn execute_on_product(
    ctx: &Context<'_>,
    name: &'static str,
    sku: &str,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: ProductCommand,
) -> Result<Completed<Product>, Failure> {
    let sku = parse_sku("sku", sku)?;
    let receipt = execute(ctx, input, options, AggregateCommand { name, id: sku, command }).await?;
    Completed::from_receipt(receipt, "sku", |subject| match subject.state {
        domain::State::Product(state) => Product::new(subject.version, state),
        _ => None,
    })
}
