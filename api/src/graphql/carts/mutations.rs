//! The mutations of carts, except those about coupons and merging.

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

/// How to create a cart; nothing has to be given.
#[derive(Debug, InputObject, Serialize)]
pub struct CartCreateInput {
    /// With the same key, a repeated request returns the first cart instead of a second one. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
}

/// The products to put into a cart.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLinesAddInput {
    /// Cart that gets the lines. If it is left out, guests and customers use their own cart; staff
    /// must name one.
    cart_id: Option<ID>,
    /// The products to add, 1 to 250 entries. Entries with the same SKU, and a line that the cart has
    /// already, are added up.
    lines: Vec<CartLineAddInput>,
    /// With the same key, a repeated request adds the units only once. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the cart has this version, so that lines are added only
    /// to the cart you have seen.
    expected_version: Option<i32>,
}

/// A product to add to a cart, and how many units of it.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLineAddInput {
    /// SKU of the product to add; it must be on sale.
    sku: String,
    /// Number of units to add, 1 to 10,000. A line of the cart can hold 10,000 units in all.
    quantity: i64,
    /// Price of one unit that the customer has seen. If the current price differs, the whole request
    /// is refused with `PRICE_CHANGED`. Without it, any price is accepted.
    expected_unit_price: Option<MoneyInput>,
}

/// New quantities for lines that are in a cart.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLinesUpdateInput {
    /// Cart whose quantities change. If it is left out, guests and customers use their own cart;
    /// staff must name one.
    cart_id: Option<ID>,
    /// The lines to change, 1 to 250 entries. Other lines of the cart stay as they are.
    lines: Vec<CartLineUpdateInput>,
    /// With the same key, a repeated request sets no quantity again: it gets the cart as it is now. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the cart has this version, so that quantities change
    /// only in the cart you have seen.
    expected_version: Option<i32>,
}

/// A line of a cart and its new quantity.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLineUpdateInput {
    /// SKU of a product that is in the cart.
    sku: String,
    /// Number of units the line shall have, 1 to 10,000; 0 removes the line.
    quantity: i64,
}

/// The lines to take out of a cart.
#[derive(Debug, InputObject, Serialize)]
pub struct CartLinesRemoveInput {
    /// Cart that loses the lines. If it is left out, guests and customers use their own cart; staff
    /// must name one.
    cart_id: Option<ID>,
    /// SKUs of the lines to remove, 1 to 250 entries. Each must be in the cart.
    skus: Vec<String>,
    /// With the same key, a repeated request succeeds although the lines are gone already. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the cart has this version, so that lines are removed
    /// only from the cart you have seen.
    expected_version: Option<i32>,
}

/// The cart to empty. Guests and customers can leave out every field.
#[derive(Debug, InputObject, Serialize)]
pub struct CartClearInput {
    /// Cart to empty. If it is left out, guests and customers empty their own cart; staff must name
    /// one.
    cart_id: Option<ID>,
    /// With the same key, a repeated request does not remove lines that were added since. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the cart has this version, so that no line disappears
    /// that you have not seen.
    expected_version: Option<i32>,
}

/// The result of `cartCreate`, or the errors that say why nothing was changed.
#[derive(Debug, SimpleObject)]
pub struct CartCreatePayload {
    /// The new cart, or the customer's current cart if there is one. Null if the request was refused.
    cart: Option<Cart>,
    /// For a guest's cart: the secret that gives access to it. Send it as the header `X-Cart-Token`
    /// with every request; it cannot be read again. Null for a customer's cart.
    token: Option<String>,
    /// Why `cartCreate` was refused; empty if it succeeded. A refused mutation changes nothing.
    errors: Vec<UserError>,
    /// Pass it as `minPosition` to a query that must show the result of `cartCreate`. Null if it was
    /// refused.
    position: Option<Position>,
    /// True if this request repeats a `cartCreate` that was carried out before with the same idempotency
    /// key. No second cart is created: `cart` is the first request's cart in its present state.
    replayed: bool,
}

payload! {
    cartLinesAdd => CartLinesAddPayload {
        /// The cart with the added lines. Null if the request was refused.
        cart: Cart
    }
}
payload! {
    cartLinesUpdate => CartLinesUpdatePayload {
        /// The cart with its new quantities. Null if the request was refused.
        cart: Cart
    }
}
payload! {
    cartLinesRemove => CartLinesRemovePayload {
        /// The cart without the removed lines. Null if the request was refused.
        cart: Cart
    }
}
payload! {
    cartClear => CartClearPayload {
        /// The cart, which is now empty. It keeps its coupon. Null if the request was refused.
        cart: Cart
    }
}

#[derive(Debug, Default)]
pub struct CartMutation;

#[Object]
impl CartMutation {
    /// Creates a cart. Customers get their current cart if they have one; for all other callers it is
    /// a new guest's cart with a token. Customers need not call it, since `cartLinesAdd` creates
    /// their cart.
    ///
    /// Guests, customers and admins may call it, and anonymous callers.
    ///
    /// It is not refused, except because of its key.
    async fn cart_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An idempotency key, or nothing: `{}`.")] input: CartCreateInput,
    ) -> Result<CartCreatePayload> {
        let fields = PayloadFields::from_result(create(ctx, input).await)?;
        let PayloadFields { object: cart, errors, position, replayed } = fields;
        let guests = cart.as_ref().filter(|cart| cart.owner() == Owner::Guest);
        let token = guests.map(|cart| shop(ctx).authenticator.carts.issue(cart.id));
        Ok(CartCreatePayload { cart, token, errors, position, replayed })
    }

    /// Adds products to a cart at their current prices. If the cart has a line with the same SKU, the
    /// units are added to it and its captured price is brought up to date. An expired cart and a
    /// customer's first cart are begun by it.
    ///
    /// Guests, customers and admins may call it: guests and customers for their own cart.
    ///
    /// Error codes: `PRODUCT_NOT_FOUND`, `PRODUCT_DISCONTINUED`, `PRICE_CHANGED`,
    /// `CURRENCY_MISMATCH`, `TOO_MANY_LINES`, `CART_NOT_ACTIVE`, `NOT_FOUND`, `INVALID_INPUT`,
    /// `INVALID_ID`, `INVALID_SKU`, `INVALID_QUANTITY`, `INVALID_AMOUNT`, `INVALID_CURRENCY`,
    /// `AMOUNT_TOO_LARGE`, `VERSION_CONFLICT`.
    async fn cart_lines_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The products to add and, for staff, the cart.")] input: CartLinesAddInput,
    ) -> Result<CartLinesAddPayload> {
        CartLinesAddPayload::render(add(ctx, input).await)
    }

    /// Changes the number of units of lines in a cart. The captured prices stay.
    ///
    /// Guests, customers and admins may call it: guests and customers for their own cart.
    ///
    /// Error codes: `CART_LINE_NOT_FOUND`, `CART_NOT_ACTIVE`, `NOT_FOUND`, `TOO_MANY_LINES`,
    /// `INVALID_INPUT`, `INVALID_ID`, `INVALID_SKU`, `INVALID_QUANTITY`, `AMOUNT_TOO_LARGE`,
    /// `VERSION_CONFLICT`.
    async fn cart_lines_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The lines with their new quantities and, for staff, the cart.")]
        input: CartLinesUpdateInput,
    ) -> Result<CartLinesUpdatePayload> {
        CartLinesUpdatePayload::render(update(ctx, input).await)
    }

    /// Removes lines from a cart. If one of them is not in the cart, none is removed.
    ///
    /// Guests, customers and admins may call it: guests and customers for their own cart.
    ///
    /// Error codes: `CART_LINE_NOT_FOUND`, `CART_NOT_ACTIVE`, `NOT_FOUND`, `TOO_MANY_LINES`,
    /// `INVALID_INPUT`, `INVALID_ID`, `INVALID_SKU`, `VERSION_CONFLICT`.
    async fn cart_lines_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKUs to remove and, for staff, the cart.")]
        input: CartLinesRemoveInput,
    ) -> Result<CartLinesRemovePayload> {
        CartLinesRemovePayload::render(remove(ctx, input).await)
    }

    /// Removes all lines from a cart. Nothing changes if it has none.
    ///
    /// Guests, customers and admins may call it: guests and customers for their own cart.
    ///
    /// Error codes: `CART_NOT_ACTIVE`, `NOT_FOUND`, `INVALID_ID`, `VERSION_CONFLICT`.
    async fn cart_clear(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For staff the cart to empty; guests and customers may send `{}`.")]
        input: CartClearInput,
    ) -> Result<CartClearPayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let cart = input.cart_id.as_ref();
        CartClearPayload::render(
            execute_on_cart(ctx, "cartClear", cart, &input, options, CartCommand::Clear).await,
        )
    }
}

async fn create(ctx: &Context<'_>, input: CartCreateInput) -> Result<Completed<Cart>, Failure> {
    let Caller::Customer { .. } = caller(ctx) else {
        return create_cart(ctx, &input, CartId(Uuid::now_v7()), Owner::Guest).await;
    };
    let (cart, owner) = shop(ctx).resolve_cart(caller(ctx), None).await?;
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
    let (cart, owner) = shop(ctx).resolve_cart(caller(ctx), named).await?;
    let idle_seconds = shop(ctx).policy.cart_idle_seconds;
    let add = AddLines { cart, owner, idle_seconds, lines };
    let added = add_lines(ctx, &input, add.clone()).await;
    match shop(ctx).next_cart(caller(ctx), (named, cart), &added).await? {
        Some((cart, owner)) => add_lines(ctx, &input, AddLines { cart, owner, ..add }).await,
        None => added,
    }
}

/// Parses the lines to add. A line with an error is left out, and the parser keeps the error.
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

/// Parses the new quantities. `None` stands for the quantity 0, which removes the line. A line with an error is left out,
/// and the parser keeps the error.
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

/// Checks the number of entries in a list of lines.
fn check_count(parser: &mut Parser, field: &str, count: usize) {
    if !(1..=domain::cart::MAX_LINES).contains(&count) {
        let message =
            format!("{field} must have 1 to {} entries, got {count}", domain::cart::MAX_LINES);
        let code = if count == 0 {
            domain::ErrorCode::InvalidInput
        } else {
            domain::ErrorCode::TooManyLines
        };
        parser.accept::<()>(&[field], Err(domain::Invalid::new(code, message)));
    }
}

fn parse_cart_id(cart: Option<&ID>) -> Result<Option<CartId>, Failure> {
    cart.map(|id| parse_id("cartId", id).map(CartId)).transpose()
}

/// Finds the cart that the input names, or else the caller's current one.
pub(super) async fn find_cart(
    ctx: &Context<'_>,
    id: Option<&ID>,
) -> Result<(CartId, Owner), Failure> {
    shop(ctx).resolve_cart(caller(ctx), parse_cart_id(id)?).await
}

async fn execute_on_cart(
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
