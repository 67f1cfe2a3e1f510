//! What can be done about carts.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commands::Receipt;
use commands::cart::{AddLines, AskCart, WantedLine};
use domain::cart::{CartCommand, Owner};
use domain::{CartId, Quantity, Refusal};
use serde::Serialize;
use uuid::Uuid;

use super::Cart;
use crate::auth::Caller;
use crate::graphql::errors::{Failure, UserError};
use crate::graphql::input::{self, Parser};
use crate::graphql::lines;
use crate::graphql::money::MoneyInput;
use crate::graphql::mutation::{Done, Terms, execute, execute_at, parts, payload};
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, shop};

/// A new cart.
#[derive(Debug, InputObject, Serialize)]
pub struct CartCreateInput {
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
}

/// Products for a cart.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLinesAddInput {
    /// The cart; without it, the caller's.
    cart_id: Option<ID>,
    /// What to add, 1 to 250 lines. The same SKU twice is one line.
    lines: Vec<CartLineAddInput>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the cart is at this version.
    expected_version: Option<i32>,
}

/// So many of one product.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLineAddInput {
    /// The product's SKU.
    sku: String,
    /// 1 to 10,000.
    quantity: i64,
    /// Refuse when one costs something else now.
    expected_unit_price: Option<MoneyInput>,
}

/// New quantities for lines that are there.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLinesUpdateInput {
    /// The cart; without it, the caller's.
    cart_id: Option<ID>,
    /// Which lines, 1 to 250.
    lines: Vec<CartLineUpdateInput>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the cart is at this version.
    expected_version: Option<i32>,
}

/// A line's new quantity.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLineUpdateInput {
    /// The line's SKU.
    sku: String,
    /// 1 to 10,000, or 0 to remove the line.
    quantity: i64,
}

/// Lines that are no longer wanted.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLinesRemoveInput {
    /// The cart; without it, the caller's.
    cart_id: Option<ID>,
    /// The lines' SKUs, 1 to 250.
    skus: Vec<String>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the cart is at this version.
    expected_version: Option<i32>,
}

/// The cart to empty.
#[derive(Debug, InputObject, Serialize)]
pub struct CartClearInput {
    /// The cart; without it, the caller's.
    cart_id: Option<ID>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the cart is at this version.
    expected_version: Option<i32>,
}

/// The answer of `cartCreate`.
#[derive(Debug, SimpleObject)]
pub struct CartCreatePayload {
    /// The new cart; for a customer, the one they have.
    cart: Option<Cart>,
    /// A guest's only credential: send it as `X-Cart-Token`.
    token: Option<String>,
    /// What kept it from being done; then nothing was changed.
    errors: Vec<UserError>,
    /// The position of the last event: ask with this `minPosition` to see the result.
    position: Option<Position>,
    /// It had been done before, under the same key.
    replayed: bool,
}

payload! {
    /// The answer of `cartLinesAdd`.
    CartLinesAddPayload {
        /// The cart as it now is.
        cart: Cart
    }
}
payload! {
    /// The answer of `cartLinesUpdate`.
    CartLinesUpdatePayload {
        /// The cart as it now is.
        cart: Cart
    }
}
payload! {
    /// The answer of `cartLinesRemove`.
    CartLinesRemovePayload {
        /// The cart as it now is.
        cart: Cart
    }
}
payload! {
    /// The answer of `cartClear`.
    CartClearPayload {
        /// The cart as it now is.
        cart: Cart
    }
}

#[derive(Debug, Default)]
pub struct CartMutation;

#[Object]
impl CartMutation {
    /// Makes a cart for a guest, or for a customer who has none.
    async fn cart_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How to repeat it safely.")] input: CartCreateInput,
    ) -> Result<CartCreatePayload> {
        let done = create(ctx, input).await;
        let (cart, errors, position, replayed) = parts(done)?;
        let guests = cart.as_ref().filter(|cart| cart.owner() == Owner::Guest);
        let token = guests.map(|cart| shop(ctx).authenticator.carts.issue(cart.id));
        Ok(CartCreatePayload { cart, token, errors, position, replayed })
    }

    /// Puts products into a cart, at their present prices.
    async fn cart_lines_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add, and where.")] input: CartLinesAddInput,
    ) -> Result<CartLinesAddPayload> {
        CartLinesAddPayload::render(add(ctx, input).await)
    }

    /// Changes the quantities of lines.
    async fn cart_lines_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new quantities.")] input: CartLinesUpdateInput,
    ) -> Result<CartLinesUpdatePayload> {
        CartLinesUpdatePayload::render(update(ctx, input).await)
    }

    /// Takes lines out of a cart.
    async fn cart_lines_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which lines.")] input: CartLinesRemoveInput,
    ) -> Result<CartLinesRemovePayload> {
        CartLinesRemovePayload::render(remove(ctx, input).await)
    }

    /// Takes all lines out of a cart.
    async fn cart_clear(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which cart.")] input: CartClearInput,
    ) -> Result<CartClearPayload> {
        let terms = Terms::of(&input.idempotency_key, input.expected_version);
        let cart = input.cart_id.as_ref();
        CartClearPayload::render(
            ask(ctx, "cartClear", cart, &input, terms, CartCommand::Clear).await,
        )
    }
}

async fn create(ctx: &Context<'_>, input: CartCreateInput) -> Result<Done<Cart>, Failure> {
    let Caller::Customer { .. } = caller(ctx) else {
        return begin(ctx, &input, CartId(Uuid::now_v7()), Owner::Guest).await;
    };
    let (cart, owner) = shop(ctx).cart_of(caller(ctx), None).await?;
    let done = begin(ctx, &input, cart, owner).await;
    match shop(ctx).next_cart(caller(ctx), (None, cart), &done).await? {
        Some((cart, owner)) => begin(ctx, &input, cart, owner).await,
        None => done,
    }
}

async fn begin(
    ctx: &Context<'_>,
    input: &CartCreateInput,
    cart: CartId,
    owner: Owner,
) -> Result<Done<Cart>, Failure> {
    let terms = Terms::of(&input.idempotency_key, None);
    let command = CartCommand::Create { owner, idle_seconds: shop(ctx).policy.cart_idle_seconds };
    let command = AskCart { name: "cartCreate", cart, command };
    done(execute(ctx, input, terms, command).await?)
}

async fn add(ctx: &Context<'_>, input: CartLinesAddInput) -> Result<Done<Cart>, Failure> {
    let mut parser = Parser::default();
    bounded(&mut parser, "lines", input.lines.len());
    let mut lines = Vec::with_capacity(input.lines.len());
    for (n, line) in input.lines.iter().enumerate() {
        let n = n.to_string();
        let sku = parser.sku(&["lines", &n, "sku"], &line.sku);
        let quantity = parser.quantity(&["lines", &n, "quantity"], line.quantity);
        let path = ["lines", &n, "expectedUnitPrice"];
        let expected = parser.optional_money(&path, line.expected_unit_price.as_ref());
        if let (Some(sku), Some(quantity), Some(expected_unit_price)) = (sku, quantity, expected) {
            lines.push(WantedLine { sku, quantity, expected_unit_price });
        }
    }
    let lines = parser.finish(Some(lines))?;
    let named = named(input.cart_id.as_ref())?;
    let (cart, owner) = shop(ctx).cart_of(caller(ctx), named).await?;
    let idle_seconds = shop(ctx).policy.cart_idle_seconds;
    let add = AddLines { cart, owner, idle_seconds, lines };
    let done = add_to(ctx, &input, add.clone()).await;
    match shop(ctx).next_cart(caller(ctx), (named, cart), &done).await? {
        Some((cart, owner)) => add_to(ctx, &input, AddLines { cart, owner, ..add }).await,
        None => done,
    }
}

async fn add_to(
    ctx: &Context<'_>,
    input: &CartLinesAddInput,
    command: AddLines,
) -> Result<Done<Cart>, Failure> {
    let terms = Terms::of(&input.idempotency_key, input.expected_version);
    let place = |refusal: &Refusal| lines::part_of(refusal, &input.lines, |line| &line.sku);
    done(execute_at(ctx, input, terms, command, place).await?)
}

async fn update(ctx: &Context<'_>, input: CartLinesUpdateInput) -> Result<Done<Cart>, Failure> {
    let mut parser = Parser::default();
    bounded(&mut parser, "lines", input.lines.len());
    let mut lines = Vec::with_capacity(input.lines.len());
    for (n, line) in input.lines.iter().enumerate() {
        let n = n.to_string();
        let sku = parser.sku(&["lines", &n, "sku"], &line.sku);
        let quantity = match line.quantity {
            0 => Some(None),
            units => parser.quantity(&["lines", &n, "quantity"], units).map(Some),
        };
        if let (Some(sku), Some(quantity)) = (sku, quantity) {
            lines.push((sku, quantity));
        }
    }
    let command = parser.finish(Some(CartCommand::UpdateLines { lines }))?;
    let terms = Terms::of(&input.idempotency_key, input.expected_version);
    let (cart, _) = wanted_cart(ctx, input.cart_id.as_ref()).await?;
    let command = AskCart { name: "cartLinesUpdate", cart, command };
    let place = |refusal: &Refusal| lines::part_of(refusal, &input.lines, |line| &line.sku);
    done(execute_at(ctx, &input, terms, command, place).await?)
}

async fn remove(ctx: &Context<'_>, input: CartLinesRemoveInput) -> Result<Done<Cart>, Failure> {
    let mut parser = Parser::default();
    bounded(&mut parser, "skus", input.skus.len());
    let mut skus = Vec::with_capacity(input.skus.len());
    for (n, sku) in input.skus.iter().enumerate() {
        skus.extend(parser.sku(&["skus", &n.to_string()], sku));
    }
    let command = parser.finish(Some(CartCommand::RemoveLines { skus }))?;
    let terms = Terms::of(&input.idempotency_key, input.expected_version);
    let (cart, _) = wanted_cart(ctx, input.cart_id.as_ref()).await?;
    let command = AskCart { name: "cartLinesRemove", cart, command };
    let place = |refusal: &Refusal| lines::named(refusal, &input.skus);
    done(execute_at(ctx, &input, terms, command, place).await?)
}

fn bounded(parser: &mut Parser, field: &str, count: usize) {
    if !(1..=domain::cart::MAX_LINES).contains(&count) {
        let message = format!("name 1 to {} lines", domain::cart::MAX_LINES);
        let code = if count == 0 {
            domain::ErrorCode::InvalidInput
        } else {
            domain::ErrorCode::TooManyLines
        };
        parser.take::<Quantity>(&[field], Err(domain::Invalid::new(code, message)));
    }
}

fn named(cart: Option<&ID>) -> Result<Option<CartId>, Failure> {
    cart.map(|id| input::id("cartId", id).map(CartId)).transpose()
}

pub(super) async fn wanted_cart(
    ctx: &Context<'_>,
    id: Option<&ID>,
) -> Result<(CartId, Owner), Failure> {
    shop(ctx).cart_of(caller(ctx), named(id)?).await
}

async fn ask(
    ctx: &Context<'_>,
    name: &'static str,
    cart: Option<&ID>,
    input: &impl Serialize,
    terms: Terms<'_>,
    command: CartCommand,
) -> Result<Done<Cart>, Failure> {
    let (cart, _) = wanted_cart(ctx, cart).await?;
    done(execute(ctx, input, terms, AskCart { name, cart, command }).await?)
}

pub(super) fn done(receipt: Receipt) -> Result<Done<Cart>, Failure> {
    Done::of(receipt, "cartId", |subject| match subject.state {
        domain::State::Cart(state) => Cart::new(CartId(subject.stream.id), subject.version, state),
        _ => None,
    })
}
