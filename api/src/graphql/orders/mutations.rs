//! The mutations of orders, except those about shipping and returns.

use async_graphql::{Context, ID, InputObject, Object, Result};
use commands::checkout::CancelOrder;
use commands::{AggregateCommand, Command, Receipt};
use domain::cart::Owner;
use domain::checkout::PlaceOrder;
use domain::order::{CancelReason, OrderCommand};
use domain::{
    Address, CartId, Contact, CustomerId, Money, OrderId, Personal, Refusal, SubjectId, Text,
};
use serde::Serialize;
use uuid::Uuid;

use super::Order;
use crate::graphql::errors::{Failure, in_input};
use crate::graphql::input::{parse, parse_id};
use crate::graphql::money::MoneyInput;
use crate::graphql::mutation::{Completed, MutationOptions, execute, execute_with_paths, payload};
use crate::graphql::personal::{AddressInput, ContactInput};
use crate::graphql::shop::{Shop, caller, shop};

/// The cart to order, and where the goods go.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderPlaceInput {
    /// Cart to check out. If it is left out, guests and customers use their own cart; staff must name
    /// one.
    cart_id: Option<ID>,
    /// The person to write to or call about the order.
    contact: ContactInput,
    /// Where the goods go. The country decides the tax rate.
    shipping_address: AddressInput,
    /// The total that the customer has seen, from `Cart.estimate`. Any other total is refused with
    /// `PRICE_CHANGED`. If it is left out, the order is refused when the price of a line differs from
    /// the captured one.
    expected_total: Option<MoneyInput>,
    /// With the same key, a repeated request returns the first order instead of placing a second one.
    /// Required. See `Mutation`.
    idempotency_key: ID,
}

/// What to change of an order that is not processed yet. A field that is left out or null stays as it
/// is.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderUpdateInput {
    /// UUID of the order to change, not its number.
    order_id: ID,
    /// Replaces the whole contact, so repeat what stays the same.
    contact: Option<ContactInput>,
    /// Replaces the whole address, so repeat what stays the same. The charges of the order do not
    /// change.
    shipping_address: Option<AddressInput>,
    /// With the same key, a repeated request does not undo a later change. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the order has this version, so that you do not overwrite
    /// another person's change.
    expected_version: Option<i32>,
}

/// The order to cancel.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderCancelInput {
    /// UUID of the order to cancel, not its number.
    order_id: ID,
    /// Why the order is cancelled, in 1 to 200 characters. The buyer can read it in
    /// `Order.cancelReason`.
    reason: Option<String>,
    /// With the same key, a repeated request cancels nothing again: it gets the order as it is now. See
    /// `Mutation`.
    idempotency_key: ID,
    /// Refuse with `VERSION_CONFLICT` unless the order has this version, so that an order that has
    /// moved on is not cancelled.
    expected_version: Option<i32>,
}

/// A note about an order that only staff can read.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderNoteAddInput {
    /// UUID of the order that the note is about, not its number.
    order_id: ID,
    /// The note, 1 to 5,000 characters. It is stored encrypted.
    text: String,
    /// With the same key, a repeated request adds the note only once. See `Mutation`.
    idempotency_key: Option<ID>,
}

payload! {
    orderPlace => OrderPlacePayload {
        /// The new order, with status `PENDING`. Null if the request was refused.
        order: Order
    }
}
payload! {
    orderUpdate => OrderUpdatePayload {
        /// The order with its new contact or address. Null if the request was refused.
        order: Order
    }
}
payload! {
    orderCancel => OrderCancelPayload {
        /// The cancelled order. Its payments may still be on their way back. Null if the request was
        /// refused.
        order: Order
    }
}
payload! {
    orderNoteAdd => OrderNoteAddPayload {
        /// The order with the new note. Null if the request was refused.
        order: Order
    }
}

#[derive(Debug, Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Places an order for everything in a cart: the cart is checked out, all units are reserved and
    /// the coupon is used, or nothing is changed at all. The stock is reserved until
    /// `Order.reservedUntil`, by default for 15 minutes: call `paymentStart` before.
    ///
    /// Guests, customers and admins may call it: guests and customers for their own cart.
    ///
    /// Error codes: `INSUFFICIENT_STOCK`, `PRICE_CHANGED`, `PRODUCT_DISCONTINUED`,
    /// `PRODUCT_NOT_FOUND`, `COUPON_NOT_VALID`, `COUPON_USED_UP`, `COUPON_MINIMUM`,
    /// `CURRENCY_MISMATCH`, `CART_EMPTY`, `CART_NOT_ACTIVE`, `NOT_FOUND`, `INVALID_ID`,
    /// `INVALID_TEXT`, `INVALID_EMAIL`, `CARD_NUMBER_REFUSED`, `INVALID_AMOUNT`, `INVALID_CURRENCY`,
    /// `AMOUNT_TOO_LARGE`.
    async fn order_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact, the address and, for staff, the cart.")]
        input: OrderPlaceInput,
    ) -> Result<OrderPlacePayload> {
        OrderPlacePayload::render(place(ctx, input).await)
    }

    /// Replaces the contact or the address of an order, until its processing starts.
    ///
    /// Guests, customers and staff may call it: guests for the order of their cart, customers for
    /// their own orders.
    ///
    /// Error codes: `ORDER_NOT_PROCESSING` if processing has started, `ORDER_CLOSED`, `NOT_FOUND`,
    /// `INVALID_ID`, `INVALID_TEXT`, `INVALID_EMAIL`, `CARD_NUMBER_REFUSED`, `VERSION_CONFLICT`.
    async fn order_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order with its new contact or address.")] input: OrderUpdateInput,
    ) -> Result<OrderUpdatePayload> {
        OrderUpdatePayload::render(update(ctx, input).await)
    }

    /// Cancels an order. Its stock and its coupon can be used by others at once; authorised money is
    /// voided and captured money refunded soon after. Buyers can cancel until processing starts,
    /// staff until the first unit is shipped. Nothing changes if it is cancelled already.
    ///
    /// Guests, customers and staff may call it: guests for the order of their cart, customers for
    /// their own orders.
    ///
    /// Error codes: `ORDER_NOT_PROCESSING` if processing has started, `ORDER_ALREADY_SHIPPED`,
    /// `ORDER_CLOSED` if the order has expired, `NOT_FOUND`, `INVALID_ID`, `INVALID_TEXT`,
    /// `CARD_NUMBER_REFUSED`, `VERSION_CONFLICT`.
    async fn order_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order to cancel, and why.")] input: OrderCancelInput,
    ) -> Result<OrderCancelPayload> {
        OrderCancelPayload::render(cancel(ctx, input).await)
    }

    /// Adds a note to an order, which only staff can read.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `NOT_FOUND`, `INVALID_ID`, `INVALID_TEXT`, `CARD_NUMBER_REFUSED`.
    async fn order_note_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order and the text of the note.")] input: OrderNoteAddInput,
    ) -> Result<OrderNoteAddPayload> {
        OrderNoteAddPayload::render(add_note(ctx, input).await)
    }
}

async fn place(ctx: &Context<'_>, input: OrderPlaceInput) -> Result<Completed<Order>, Failure> {
    let (contact, address, expected_total) = parse(|parser| {
        let contact = input.contact.parse(parser);
        let address = input.shipping_address.parse(parser);
        let expected = parser.optional_money(&["expectedTotal"], input.expected_total.as_ref());
        Some((contact?, address?, expected?))
    })?;
    let named = input.cart_id.as_ref().map(|id| parse_id("cartId", id).map(CartId)).transpose()?;
    let (cart, owner) = shop(ctx).resolve_cart(caller(ctx), named).await?;
    let place =
        |cart, owner| place_cart(ctx, &input, (cart, owner), (&contact, &address), expected_total);
    let placed = place(cart, owner).await;
    match shop(ctx).next_cart(caller(ctx), (named, cart), &placed).await? {
        Some((cart, owner)) => place(cart, owner).await,
        None => placed,
    }
}

async fn place_cart(
    ctx: &Context<'_>,
    input: &OrderPlaceInput,
    (cart, owner): (CartId, Owner),
    (contact, address): (&Contact, &Address),
    expected_total: Option<Money>,
) -> Result<Completed<Order>, Failure> {
    let (shop, subject) = (shop(ctx), subject_of_cart(cart, owner));
    let command = PlaceOrder {
        order: OrderId(Uuid::now_v7()),
        number: shop.order_numbers.next().await.map_err(commands::CommandError::from)?,
        cart,
        contact: encrypt(shop, subject, contact).await?,
        shipping_address: encrypt(shop, subject, address).await?,
        expected_total,
        charges: shop.policy.charges.to(address.country.as_str()),
        reserve_for: shop.policy.reserve_for,
    };
    let options = MutationOptions::new(&input.idempotency_key, None);
    // A refusal about a product or a coupon concerns the cart that contains it.
    let path_of = |refusal: &Refusal| {
        matches!(refusal, Refusal::Product(_) | Refusal::Coupon(_)).then(|| in_input("cartId"))
    };
    render_order(execute_with_paths(ctx, input, options, command, path_of).await?)
}

async fn update(ctx: &Context<'_>, input: OrderUpdateInput) -> Result<Completed<Order>, Failure> {
    let (contact, address) = parse(|parser| {
        let contact = match &input.contact {
            Some(contact) => contact.parse(parser).map(Some),
            None => Some(None),
        };
        let address = match &input.shipping_address {
            Some(address) => address.parse(parser).map(Some),
            None => Some(None),
        };
        Some((contact?, address?))
    })?;
    let order = find_order(ctx, &input.order_id).await?;
    let subject = subject_of_order(shop(ctx), order).await?;
    let contact = match &contact {
        Some(contact) => Some(encrypt(shop(ctx), subject, contact).await?),
        None => None,
    };
    let shipping_address = match &address {
        Some(address) => Some(encrypt(shop(ctx), subject, address).await?),
        None => None,
    };
    let command = OrderCommand::Update { contact, shipping_address };
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    execute_on_order(ctx, "orderUpdate", &input.order_id, &input, options, command).await
}

async fn cancel(ctx: &Context<'_>, input: OrderCancelInput) -> Result<Completed<Order>, Failure> {
    let reason =
        parse(|parser| parser.optional_text(&["reason"], input.reason.as_ref(), Text::SHORT))?;
    let order = find_order(ctx, &input.order_id).await?;
    let reason = if caller(ctx).is_staff() {
        CancelReason::Staff(reason)
    } else {
        CancelReason::Customer(reason)
    };
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    run(ctx, &input, options, CancelOrder { order, reason }).await
}

async fn add_note(
    ctx: &Context<'_>,
    input: OrderNoteAddInput,
) -> Result<Completed<Order>, Failure> {
    let text = parse(|parser| parser.text(&["text"], &input.text, Text::LONG))?;
    let order = find_order(ctx, &input.order_id).await?;
    let subject = subject_of_order(shop(ctx), order).await?;
    let command = OrderCommand::AddNote { note: encrypt(shop(ctx), subject, &text).await? };
    let options = MutationOptions::new(&input.idempotency_key, None);
    execute_on_order(ctx, "orderNoteAdd", &input.order_id, &input, options, command).await
}

/// The person whose key encrypts the order's personal data: the customer, or the guest who has the cart.
fn subject_of_cart(cart: CartId, owner: Owner) -> SubjectId {
    match owner {
        Owner::Customer(CustomerId(id)) => SubjectId(id),
        Owner::Guest => SubjectId(cart.0),
    }
}

/// The person whose key encrypts the personal data of an existing order.
async fn subject_of_order(shop: &Shop, order: OrderId) -> Result<SubjectId, Failure> {
    let subject = shop.bus.look(order.stream(), |state| match state {
        domain::State::Order(order) => order.details().map(|order| order.placed.contact.subject),
        _ => None,
    });
    subject.await?.ok_or_else(|| Failure::not_found("orderId"))
}

/// Encrypts personal data with the key of this person.
async fn encrypt(
    shop: &Shop,
    subject: SubjectId,
    value: &impl Serialize,
) -> Result<Personal, Failure> {
    Ok(shop.vault.seal(subject, value).await.map_err(commands::CommandError::from)?)
}

pub(super) async fn find_order(ctx: &Context<'_>, order: &ID) -> Result<OrderId, Failure> {
    let order = OrderId(parse_id("orderId", order)?);
    shop(ctx).check_own_order(caller(ctx), order).await?;
    Ok(order)
}

pub(super) async fn execute_on_order(
    ctx: &Context<'_>,
    name: &'static str,
    order: &ID,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: OrderCommand,
) -> Result<Completed<Order>, Failure> {
    let order = find_order(ctx, order).await?;
    run(ctx, input, options, AggregateCommand { name, id: order, command }).await
}

async fn run(
    ctx: &Context<'_>,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: impl Command,
) -> Result<Completed<Order>, Failure> {
    render_order(execute(ctx, input, options, command).await?)
}

pub(super) fn render_order(receipt: Receipt) -> Result<Completed<Order>, Failure> {
    Completed::from_receipt(receipt, "orderId", |subject| match subject.state {
        domain::State::Order(state) => {
            Order::new(OrderId(subject.stream.id), subject.version, state)
        }
        _ => None,
    })
}
