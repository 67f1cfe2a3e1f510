//! What can be done about orders.

use async_graphql::{Context, ID, InputObject, Object, Result};
use commands::checkout::CancelOrder;
use commands::order::AskOrder;
use commands::{Command, Receipt};
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
use crate::graphql::input::{self, Parser};
use crate::graphql::money::MoneyInput;
use crate::graphql::mutation::{Done, Terms, execute, execute_at, payload};
use crate::graphql::places::{AddressInput, ContactInput};
use crate::graphql::shop::{Shop, caller, shop};

/// An order for all that is in a cart.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderPlaceInput {
    /// The cart; without it, the caller's.
    cart_id: Option<ID>,
    /// Whom to reach.
    contact: ContactInput,
    /// Where it goes.
    shipping_address: AddressInput,
    /// What the customer saw; another total is refused, and so are prices that changed since they
    /// were captured, unless the new total is named here.
    expected_total: Option<MoneyInput>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
}

/// What to change of an order before it is processed; what is left out stays.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderUpdateInput {
    /// The order.
    order_id: ID,
    /// Whom to reach.
    contact: Option<ContactInput>,
    /// Where it goes.
    shipping_address: Option<AddressInput>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the order is at this version.
    expected_version: Option<i32>,
}

/// The order to call off.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderCancelInput {
    /// The order.
    order_id: ID,
    /// Why, in at most 200 characters.
    reason: Option<String>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
    /// Refuse unless the order is at this version.
    expected_version: Option<i32>,
}

/// A note for staff.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderNoteAddInput {
    /// The order.
    order_id: ID,
    /// At most 5,000 characters.
    text: String,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
}

payload! {
    /// The answer of `orderPlace`.
    OrderPlacePayload {
        /// The new order.
        order: Order
    }
}
payload! {
    /// The answer of `orderUpdate`.
    OrderUpdatePayload {
        /// The order as it now is.
        order: Order
    }
}
payload! {
    /// The answer of `orderCancel`.
    OrderCancelPayload {
        /// The order as it now is.
        order: Order
    }
}
payload! {
    /// The answer of `orderNoteAdd`.
    OrderNoteAddPayload {
        /// The order as it now is.
        order: Order
    }
}

#[derive(Debug, Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Places an order for all that is in a cart: the cart is checked out and every SKU reserved, or
    /// nothing happens at all.
    async fn order_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cart, and where its goods go.")] input: OrderPlaceInput,
    ) -> Result<OrderPlacePayload> {
        OrderPlacePayload::render(place(ctx, input).await)
    }

    /// Changes contact or address, as long as the order is not being processed.
    async fn order_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: OrderUpdateInput,
    ) -> Result<OrderUpdatePayload> {
        OrderUpdatePayload::render(update(ctx, input).await)
    }

    /// Calls an order off: its stock goes back at once, the money follows. Customers can do so until
    /// it is processed, staff until anything is shipped.
    async fn order_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and why.")] input: OrderCancelInput,
    ) -> Result<OrderCancelPayload> {
        OrderCancelPayload::render(cancel(ctx, input).await)
    }

    /// Notes something about an order, for staff.
    async fn order_note_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The note.")] input: OrderNoteAddInput,
    ) -> Result<OrderNoteAddPayload> {
        OrderNoteAddPayload::render(add_note(ctx, input).await)
    }
}

async fn place(ctx: &Context<'_>, input: OrderPlaceInput) -> Result<Done<Order>, Failure> {
    let mut parser = Parser::default();
    let contact = input.contact.parse(&mut parser);
    let address = input.shipping_address.parse(&mut parser);
    let expected = parser.optional_money(&["expectedTotal"], input.expected_total.as_ref());
    let parsed = (|| Some((contact?, address?, expected?)))();
    let (contact, address, expected_total) = parser.finish(parsed)?;

    let named = input.cart_id.as_ref().map(|id| input::id("cartId", id).map(CartId)).transpose()?;
    let (cart, owner) = shop(ctx).cart_of(caller(ctx), named).await?;
    let place =
        |cart, owner| place_with(ctx, &input, (cart, owner), (&contact, &address), expected_total);
    let done = place(cart, owner).await;
    match shop(ctx).next_cart(caller(ctx), (named, cart), &done).await? {
        Some((cart, owner)) => place(cart, owner).await,
        None => done,
    }
}

async fn place_with(
    ctx: &Context<'_>,
    input: &OrderPlaceInput,
    (cart, owner): (CartId, Owner),
    (contact, address): (&Contact, &Address),
    expected_total: Option<Money>,
) -> Result<Done<Order>, Failure> {
    let (shop, subject) = (shop(ctx), subject(cart, owner));
    let command = PlaceOrder {
        order: OrderId(Uuid::now_v7()),
        number: shop.order_numbers.next().await.map_err(commands::CommandError::from)?,
        cart,
        contact: seal(shop, subject, contact).await?,
        shipping_address: seal(shop, subject, address).await?,
        expected_total,
        charges: shop.policy.charges.to(address.country.as_str()),
        reserve_for: shop.policy.reserve_for,
    };
    let terms = Terms::of(&input.idempotency_key, None);
    // Whatever is wrong with a product or a coupon is wrong with the cart that it is in.
    let part = |refusal: &Refusal| {
        matches!(refusal, Refusal::Product(_) | Refusal::Coupon(_)).then(|| in_input("cartId"))
    };
    done(execute_at(ctx, input, terms, command, part).await?)
}

async fn update(ctx: &Context<'_>, input: OrderUpdateInput) -> Result<Done<Order>, Failure> {
    let mut parser = Parser::default();
    let contact = match &input.contact {
        Some(contact) => contact.parse(&mut parser).map(Some),
        None => Some(None),
    };
    let address = match &input.shipping_address {
        Some(address) => address.parse(&mut parser).map(Some),
        None => Some(None),
    };
    let parsed = (|| Some((contact?, address?)))();
    let (contact, address) = parser.finish(parsed)?;

    let order = own(ctx, &input.order_id).await?;
    let subject = subject_of(shop(ctx), order).await?;
    let contact = match &contact {
        Some(contact) => Some(seal(shop(ctx), subject, contact).await?),
        None => None,
    };
    let shipping_address = match &address {
        Some(address) => Some(seal(shop(ctx), subject, address).await?),
        None => None,
    };
    let command = OrderCommand::Update { contact, shipping_address };
    let terms = Terms::of(&input.idempotency_key, input.expected_version);
    ask(ctx, "orderUpdate", &input.order_id, &input, terms, command).await
}

async fn cancel(ctx: &Context<'_>, input: OrderCancelInput) -> Result<Done<Order>, Failure> {
    let mut parser = Parser::default();
    let reason = parser.optional_text(&["reason"], input.reason.as_ref(), Text::SHORT);
    let reason = parser.finish(reason)?;
    let order = own(ctx, &input.order_id).await?;
    let reason = match caller(ctx).is_staff() {
        true => CancelReason::Staff(reason),
        false => CancelReason::Customer(reason),
    };
    let terms = Terms::of(&input.idempotency_key, input.expected_version);
    run(ctx, &input, terms, CancelOrder { order, reason }).await
}

async fn add_note(ctx: &Context<'_>, input: OrderNoteAddInput) -> Result<Done<Order>, Failure> {
    let mut parser = Parser::default();
    let text = parser.text(&["text"], &input.text, Text::LONG);
    let text = parser.finish(text)?;
    let order = own(ctx, &input.order_id).await?;
    let subject = subject_of(shop(ctx), order).await?;
    let command = OrderCommand::AddNote { note: seal(shop(ctx), subject, &text).await? };
    let terms = Terms::of(&input.idempotency_key, None);
    ask(ctx, "orderNoteAdd", &input.order_id, &input, terms, command).await
}

/// The person an order is about: the customer, or whoever holds the cart.
fn subject(cart: CartId, owner: Owner) -> SubjectId {
    match owner {
        Owner::Customer(CustomerId(id)) => SubjectId(id),
        Owner::Guest => SubjectId(cart.0),
    }
}

async fn subject_of(shop: &Shop, order: OrderId) -> Result<SubjectId, Failure> {
    let subject = shop.bus.look(order.stream(), |state| match state {
        domain::State::Order(order) => order.details().map(|order| order.placed.contact.subject),
        _ => None,
    });
    subject.await?.ok_or_else(|| Failure::not_found("orderId"))
}

async fn seal(
    shop: &Shop,
    subject: SubjectId,
    value: &impl Serialize,
) -> Result<Personal, Failure> {
    Ok(shop.vault.seal(subject, value).await.map_err(commands::CommandError::from)?)
}

pub(super) async fn own(ctx: &Context<'_>, order: &ID) -> Result<OrderId, Failure> {
    let order = OrderId(input::id("orderId", order)?);
    shop(ctx).own_order(caller(ctx), order).await?;
    Ok(order)
}

pub(super) async fn ask(
    ctx: &Context<'_>,
    name: &'static str,
    order: &ID,
    input: &impl Serialize,
    terms: Terms<'_>,
    command: OrderCommand,
) -> Result<Done<Order>, Failure> {
    let order = own(ctx, order).await?;
    run(ctx, input, terms, AskOrder { name, order, command }).await
}

async fn run(
    ctx: &Context<'_>,
    input: &impl Serialize,
    terms: Terms<'_>,
    command: impl Command,
) -> Result<Done<Order>, Failure> {
    done(execute(ctx, input, terms, command).await?)
}

pub(super) fn done(receipt: Receipt) -> Result<Done<Order>, Failure> {
    Done::of(receipt, "orderId", |subject| match subject.state {
        domain::State::Order(state) => {
            Order::new(OrderId(subject.stream.id), subject.version, state)
        }
        _ => None,
    })
}
