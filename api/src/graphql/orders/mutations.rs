//! What can be done about orders.

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

async fn place(ctx: &Context<'_>, input: OrderPlaceInput) -> Result<Completed<Order>, Failure> {
    let (contact, address, expected_total) = parse(|parser| {
        let contact = input.contact.parse(parser);
        let address = input.shipping_address.parse(parser);
        let expected = parser.optional_money(&["expectedTotal"], input.expected_total.as_ref());
        Some((contact?, address?, expected?))
    })?;
    let named = input.cart_id.as_ref().map(|id| parse_id("cartId", id).map(CartId)).transpose()?;
    let (cart, owner) = shop(ctx).cart_of(caller(ctx), named).await?;
    let place =
        |cart, owner| place_with(ctx, &input, (cart, owner), (&contact, &address), expected_total);
    let placed = place(cart, owner).await;
    match shop(ctx).next_cart(caller(ctx), (named, cart), &placed).await? {
        Some((cart, owner)) => place(cart, owner).await,
        None => placed,
    }
}

async fn place_with(
    ctx: &Context<'_>,
    input: &OrderPlaceInput,
    (cart, owner): (CartId, Owner),
    (contact, address): (&Contact, &Address),
    expected_total: Option<Money>,
) -> Result<Completed<Order>, Failure> {
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
    let options = MutationOptions::new(&input.idempotency_key, None);
    // An error of a product or a coupon is an error of the cart that it is in.
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
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    ask(ctx, "orderUpdate", &input.order_id, &input, options, command).await
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
    let subject = subject_of(shop(ctx), order).await?;
    let command = OrderCommand::AddNote { note: seal(shop(ctx), subject, &text).await? };
    let options = MutationOptions::new(&input.idempotency_key, None);
    ask(ctx, "orderNoteAdd", &input.order_id, &input, options, command).await
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

pub(super) async fn find_order(ctx: &Context<'_>, order: &ID) -> Result<OrderId, Failure> {
    let order = OrderId(parse_id("orderId", order)?);
    shop(ctx).own_order(caller(ctx), order).await?;
    Ok(order)
}

pub(super) async fn ask(
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
