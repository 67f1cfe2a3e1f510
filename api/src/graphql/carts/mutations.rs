//! What can be done about carts.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commands::cart::{AddLines, WantedLine};
use commands::{AggregateCommand, Receipt};
use domain::cart::{CartCommand, Owner};
use domain::{CartId, Quantity, Refusal, Sku};
use serde::Serialize;
use uuid::Uuid;

use super::Cart;
use crate::auth::Caller;
use crate::graphql::errors::{Failure, UserError};
use crate::graphql::input::{Parser, parse, parse_id};
use crate::graphql::lines::{path_of_line, path_of_sku};
use crate::graphql::money::MoneyInput;
use crate::graphql::mutation::{
    Completed, MutationOptions, PayloadFields, execute, execute_with_paths, payload,
};
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
        let fields = PayloadFields::from_result(create(ctx, input).await)?;
        let PayloadFields { object: cart, errors, position, replayed } = fields;
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
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let cart = input.cart_id.as_ref();
        CartClearPayload::render(
            ask(ctx, "cartClear", cart, &input, options, CartCommand::Clear).await,
        )
    }
}

async fn create(ctx: &Context<'_>, input: CartCreateInput) -> Result<Completed<Cart>, Failure> {
    let Caller::Customer { .. } = caller(ctx) else {
        return create_cart(ctx, &input, CartId(Uuid::now_v7()), Owner::Guest).await;
    };
    let (cart, owner) = shop(ctx).cart_of(caller(ctx), None).await?;
    let created = create_cart(ctx, &input, cart, owner).await;
    match shop(ctx).next_cart(caller(ctx), (None, cart), &created).await? {
        Some((cart, owner)) => create_cart(ctx, &input, cart, owner).await,
        None => created,
    }
}

async fn create_cart(
    ctx: &Context<'_>,
    input: &CartCreateInput,
    cart: CartId,
    owner: Owner,
) -> Result<Completed<Cart>, Failure> {
    let options = MutationOptions::new(&input.idempotency_key, None);
    let command = CartCommand::Create { owner, idle_seconds: shop(ctx).policy.cart_idle_seconds };
    let command = AggregateCommand { name: "cartCreate", id: cart, command };
    render_cart(execute(ctx, input, options, command).await?)
}

async fn add(ctx: &Context<'_>, input: CartLinesAddInput) -> Result<Completed<Cart>, Failure> {
    let lines = parse(|parser| Some(parse_wanted_lines(parser, &input.lines)))?;
    let named = parse_cart_id(input.cart_id.as_ref())?;
    let (cart, owner) = shop(ctx).cart_of(caller(ctx), named).await?;
    let idle_seconds = shop(ctx).policy.cart_idle_seconds;
    let add = AddLines { cart, owner, idle_seconds, lines };
    let added = add_lines(ctx, &input, add.clone()).await;
    match shop(ctx).next_cart(caller(ctx), (named, cart), &added).await? {
        Some((cart, owner)) => add_lines(ctx, &input, AddLines { cart, owner, ..add }).await,
        None => added,
    }
}

/// A line with an error is left out; the parser keeps the error.
fn parse_wanted_lines(parser: &mut Parser, lines: &[CartLineAddInput]) -> Vec<WantedLine> {
    check_count(parser, "lines", lines.len());
    let mut wanted = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let n = n.to_string();
        let sku = parser.sku(&["lines", &n, "sku"], &line.sku);
        let quantity = parser.quantity(&["lines", &n, "quantity"], line.quantity);
        let path = ["lines", &n, "expectedUnitPrice"];
        let expected = parser.optional_money(&path, line.expected_unit_price.as_ref());
        if let (Some(sku), Some(quantity), Some(expected_unit_price)) = (sku, quantity, expected) {
            wanted.push(WantedLine { sku, quantity, expected_unit_price });
        }
    }
    wanted
}

async fn add_lines(
    ctx: &Context<'_>,
    input: &CartLinesAddInput,
    command: AddLines,
) -> Result<Completed<Cart>, Failure> {
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let path_of = |refusal: &Refusal| path_of_line(refusal, &input.lines, |line| &line.sku);
    render_cart(execute_with_paths(ctx, input, options, command, path_of).await?)
}

async fn update(
    ctx: &Context<'_>,
    input: CartLinesUpdateInput,
) -> Result<Completed<Cart>, Failure> {
    let lines = parse(|parser| Some(parse_new_quantities(parser, &input.lines)))?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let (cart, _) = find_cart(ctx, input.cart_id.as_ref()).await?;
    let command = CartCommand::UpdateLines { lines };
    let command = AggregateCommand { name: "cartLinesUpdate", id: cart, command };
    let path_of = |refusal: &Refusal| path_of_line(refusal, &input.lines, |line| &line.sku);
    render_cart(execute_with_paths(ctx, &input, options, command, path_of).await?)
}

/// `None` is the quantity 0, which removes the line. A line with an error is left out; the parser keeps the
/// error.
fn parse_new_quantities(
    parser: &mut Parser,
    lines: &[CartLineUpdateInput],
) -> Vec<(Sku, Option<Quantity>)> {
    check_count(parser, "lines", lines.len());
    let mut quantities = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let n = n.to_string();
        let sku = parser.sku(&["lines", &n, "sku"], &line.sku);
        let quantity = match line.quantity {
            0 => Some(None),
            units => parser.quantity(&["lines", &n, "quantity"], units).map(Some),
        };
        if let (Some(sku), Some(quantity)) = (sku, quantity) {
            quantities.push((sku, quantity));
        }
    }
    quantities
}

async fn remove(
    ctx: &Context<'_>,
    input: CartLinesRemoveInput,
) -> Result<Completed<Cart>, Failure> {
    let skus = parse(|parser| {
        check_count(parser, "skus", input.skus.len());
        let skus = input.skus.iter().enumerate();
        Some(skus.filter_map(|(n, sku)| parser.sku(&["skus", &n.to_string()], sku)).collect())
    })?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let (cart, _) = find_cart(ctx, input.cart_id.as_ref()).await?;
    let command = CartCommand::RemoveLines { skus };
    let command = AggregateCommand { name: "cartLinesRemove", id: cart, command };
    let path_of = |refusal: &Refusal| path_of_sku(refusal, &input.skus);
    render_cart(execute_with_paths(ctx, &input, options, command, path_of).await?)
}

/// Checks how many lines a request names.
fn check_count(parser: &mut Parser, field: &str, count: usize) {
    if !(1..=domain::cart::MAX_LINES).contains(&count) {
        let message = format!("name from 1 to {} lines, not {count}", domain::cart::MAX_LINES);
        let code = if count == 0 {
            domain::ErrorCode::InvalidInput
        } else {
            domain::ErrorCode::TooManyLines
        };
        parser.take::<()>(&[field], Err(domain::Invalid::new(code, message)));
    }
}

fn parse_cart_id(cart: Option<&ID>) -> Result<Option<CartId>, Failure> {
    cart.map(|id| parse_id("cartId", id).map(CartId)).transpose()
}

/// The cart that the input names, or else the caller's.
pub(super) async fn find_cart(
    ctx: &Context<'_>,
    id: Option<&ID>,
) -> Result<(CartId, Owner), Failure> {
    shop(ctx).cart_of(caller(ctx), parse_cart_id(id)?).await
}

async fn ask(
    ctx: &Context<'_>,
    name: &'static str,
    cart: Option<&ID>,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: CartCommand,
) -> Result<Completed<Cart>, Failure> {
    let (cart, _) = find_cart(ctx, cart).await?;
    render_cart(execute(ctx, input, options, AggregateCommand { name, id: cart, command }).await?)
}

pub(super) fn render_cart(receipt: Receipt) -> Result<Completed<Cart>, Failure> {
    Completed::from_receipt(receipt, "cartId", |subject| match subject.state {
        domain::State::Cart(state) => Cart::new(CartId(subject.stream.id), subject.version, state),
        _ => None,
    })
}
