//! The catalogue.

use async_graphql::connection::Connection;
use async_graphql::{Context, Description, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use commands::AggregateCommand;
use domain::product::{Listing, Product as State, ProductCommand};
use domain::{Sku, Text};
use projections::ReadModel;
use serde::Serialize;

use super::connection::{connect, page};
use super::errors::{Failure, query_fault};
use super::input::{parse, parse_sku};
use super::money::{Money, MoneyInput};
use super::mutation::{Completed, MutationOptions, execute, payload};
use super::position::Position;
use super::shop::shop;

/// Something that is sold, or was.
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
    /// The id of the product's stream.
    pub async fn id(&self) -> ID {
        self.listing.sku.product().id.into()
    }

    /// The name by which catalogue and warehouse know it.
    async fn sku(&self) -> &str {
        self.listing.sku.as_str()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        self.listing.name.as_str()
    }

    /// What is said of it.
    async fn description(&self) -> Option<&str> {
        self.listing.description.as_ref().map(Text::as_str)
    }

    /// Where its picture is.
    async fn image_url(&self) -> Option<&str> {
        self.listing.image_url.as_ref().map(Text::as_str)
    }

    /// What one of it costs.
    async fn price(&self) -> Money {
        Money(self.listing.price)
    }

    /// It can be put into a cart.
    async fn active(&self) -> bool {
        self.active
    }

    /// Units that can be ordered now.
    async fn available(&self, ctx: &Context<'_>) -> Result<i64> {
        let item = shop(ctx).read_models.inventory_item(&self.listing.sku, Utc::now()).await;
        let item = item.map_err(query_fault)?;
        Ok(item.map_or(0, |row| row.state.available()))
    }

    /// When it was first listed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.listing.created_at
    }

    /// When anything about it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.listing.updated_at
    }

    /// Grows with every event; name it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

/// What is shown of a product: its page, and what is available of it.
const SHOWN: [ReadModel; 3] = [ReadModel::Products, ReadModel::Inventory, ReadModel::Reservations];

/// Which products. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
pub struct ProductFilter {
    /// A part of the SKU or of the name, in any case.
    search: Option<String>,
    /// Whether they can be put into a cart.
    active: Option<bool>,
}

#[derive(Debug, Default)]
pub struct ProductQuery;

#[Object]
impl ProductQuery {
    /// A product by its SKU.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's SKU.")] sku: String,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Option<Product>> {
        shop(ctx).fresh(&SHOWN, min_position).await?;
        let Ok(sku) = sku.parse::<Sku>() else { return Ok(None) };
        let row = shop(ctx).read_models.product(&sku).await.map_err(query_fault)?;
        Ok(row.and_then(|row| Product::new(row.version, row.state)))
    }

    /// Products by SKU.
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Which ones.")] filter: Option<ProductFilter>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, Product>> {
        shop(ctx).fresh(&SHOWN, min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let filter = filter.unwrap_or_default();
        let filter = projections::products::Filter { search: filter.search, active: filter.active };
        let slice = shop(ctx).read_models.products(&filter, &page).await.map_err(query_fault)?;
        Ok(connect(slice, begun, |row| Product::new(row.version, row.state)))
    }
}

/// A new product.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductCreateInput {
    /// 1 to 64 letters, digits, dots, dashes and underscores.
    sku: String,
    /// At most 200 characters.
    name: String,
    /// At most 5,000 characters.
    description: Option<String>,
    /// Where its picture is.
    image_url: Option<String>,
    /// More than nothing. A product keeps its currency.
    price: MoneyInput,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
}

/// What to change of a product's page; what is left out stays.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductUpdateInput {
    /// The product's SKU.
    sku: String,
    /// At most 200 characters.
    name: Option<String>,
    /// At most 5,000 characters.
    description: Option<String>,
    /// Where its picture is.
    image_url: Option<String>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the product is at this version.
    expected_version: Option<i32>,
}

/// A new price.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductRepriceInput {
    /// The product's SKU.
    sku: String,
    /// More than nothing, in the product's currency.
    price: MoneyInput,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the product is at this version.
    expected_version: Option<i32>,
}

/// The product to take off sale.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductDiscontinueInput {
    /// The product's SKU.
    sku: String,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the product is at this version.
    expected_version: Option<i32>,
}

/// The product to put on sale again.
#[derive(Debug, InputObject, Serialize)]
pub struct ProductReinstateInput {
    /// The product's SKU.
    sku: String,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the product is at this version.
    expected_version: Option<i32>,
}

payload! {
    /// The answer of `productCreate`.
    ProductCreatePayload {
        /// The new product.
        product: Product
    }
}
payload! {
    /// The answer of `productUpdate`.
    ProductUpdatePayload {
        /// The product as it now is.
        product: Product
    }
}
payload! {
    /// The answer of `productReprice`.
    ProductRepricePayload {
        /// The product as it now is.
        product: Product
    }
}
payload! {
    /// The answer of `productDiscontinue`.
    ProductDiscontinuePayload {
        /// The product as it now is.
        product: Product
    }
}
payload! {
    /// The answer of `productReinstate`.
    ProductReinstatePayload {
        /// The product as it now is.
        product: Product
    }
}

#[derive(Debug, Default)]
pub struct ProductMutation;

#[Object]
impl ProductMutation {
    /// Lists a new product.
    async fn product_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] input: ProductCreateInput,
    ) -> Result<ProductCreatePayload> {
        ProductCreatePayload::render(create(ctx, input).await)
    }

    /// Changes a product's name, description or picture.
    async fn product_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: ProductUpdateInput,
    ) -> Result<ProductUpdatePayload> {
        ProductUpdatePayload::render(update(ctx, input).await)
    }

    /// Changes a product's price. Carts keep the price they captured until checkout.
    async fn product_reprice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new price.")] input: ProductRepriceInput,
    ) -> Result<ProductRepricePayload> {
        ProductRepricePayload::render(reprice(ctx, input).await)
    }

    /// Takes a product off sale.
    async fn product_discontinue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which product.")] input: ProductDiscontinueInput,
    ) -> Result<ProductDiscontinuePayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("productDiscontinue", ProductCommand::Discontinue);
        ProductDiscontinuePayload::render(
            ask(ctx, name, &input.sku, &input, options, command).await,
        )
    }

    /// Puts a product on sale again.
    async fn product_reinstate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which product.")] input: ProductReinstateInput,
    ) -> Result<ProductReinstatePayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("productReinstate", ProductCommand::Reinstate);
        ProductReinstatePayload::render(ask(ctx, name, &input.sku, &input, options, command).await)
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
    ask(ctx, "productCreate", &input.sku, &input, options, command).await
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
    ask(ctx, "productUpdate", &input.sku, &input, options, command).await
}

async fn reprice(
    ctx: &Context<'_>,
    input: ProductRepriceInput,
) -> Result<Completed<Product>, Failure> {
    let price = parse(|parser| parser.money(&["price"], &input.price))?;
    let command = ProductCommand::Reprice { price };
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    ask(ctx, "productReprice", &input.sku, &input, options, command).await
}

async fn ask(
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
