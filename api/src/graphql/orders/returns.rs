//! The mutations of returns.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use commands::AggregateCommand;
use commands::checkout::AcceptReturn;
use domain::Text;
use domain::order::OrderCommand;
use serde::Serialize;

use super::Order;
use super::mutations::{find_order, render_order};
use super::shipping::{OrderPartInput, parse_lines, path_of_line};
use crate::graphql::errors::Failure;
use crate::graphql::input::parse;
use crate::graphql::mutation::{Completed, MutationOptions, execute_with_paths, payload};

/// Units that the buyer wants to send back.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderReturnRequestInput {
    /// UUID of the order whose units shall come back, not its number.
    order_id: ID,
    /// The units to send back. If the list is empty, all delivered units are meant that are neither
    /// returned nor requested yet.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// Why the buyer sends the units back, in 1 to 200 characters.
    reason: Option<String>,
    /// With the same key, a repeated request asks for the return only once. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the order has this version, so that the same units are
    /// not requested twice.
    expected_version: Option<i32>,
}

/// Units that have come back to the shop.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderReturnAcceptInput {
    /// UUID of the order whose units have come back, not its number.
    order_id: ID,
    /// The units that have come back. If the list is empty, all units are meant whose return was
    /// requested. Units can be named without a request.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// What becomes of these units; call the mutation twice if some can be sold and others cannot.
    restocking: Restocking,
    /// With the same key, a repeated request takes the units back only once. Required. See
    /// `Mutation`.
    idempotency_key: ID,
    /// Refuse with `VERSION_CONFLICT` unless the order has this version, so that the same units are
    /// not taken back twice.
    expected_version: Option<i32>,
}

/// What becomes of units that came back to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::order::Restocking")]
pub enum Restocking {
    /// They go back on the shelf and can be sold again.
    Restocked,
    /// They are recorded as damaged and are not sold again.
    WrittenOff,
}

payload! {
    orderReturnRequest => OrderReturnRequestPayload {
        /// The order with the units that the buyer wants to return. Null if the request was refused.
        order: Order
    }
}
payload! {
    orderReturnAccept => OrderReturnAcceptPayload {
        /// The order with the returned units. Null if the request was refused.
        order: Order
    }
}

#[derive(Debug, Default)]
pub struct OrderReturnMutation;

#[Object]
impl OrderReturnMutation {
    /// Asks the shop to take delivered units back. It moves neither goods nor money: staff do that
    /// with `orderReturnAccept` and `paymentRefund`.
    ///
    /// Customers and staff may call it: customers for their own orders.
    ///
    /// Error codes: `QUANTITY_EXCEEDS_DELIVERED`, `NOT_FOUND` for the order or a SKU in it,
    /// `INVALID_ID`, `INVALID_SKU`, `INVALID_QUANTITY`, `INVALID_TEXT`, `CARD_NUMBER_REFUSED`,
    /// `VERSION_CONFLICT`.
    async fn order_return_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order, the units to send back and why.")]
        input: OrderReturnRequestInput,
    ) -> Result<OrderReturnRequestPayload> {
        OrderReturnRequestPayload::render(request(ctx, input).await)
    }

    /// Records that delivered units have come back, and puts them back on the shelf or writes them
    /// off. It moves no money: use `paymentRefund` for that. The buyer gets a message.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `QUANTITY_EXCEEDS_DELIVERED`, `NOT_FOUND` for the order or a SKU in it,
    /// `INVALID_ID`, `INVALID_SKU`, `INVALID_QUANTITY`, `VERSION_CONFLICT`.
    async fn order_return_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order, the units that have come back and what becomes of them.")]
        input: OrderReturnAcceptInput,
    ) -> Result<OrderReturnAcceptPayload> {
        OrderReturnAcceptPayload::render(accept(ctx, input).await)
    }
}

async fn request(
    ctx: &Context<'_>,
    input: OrderReturnRequestInput,
) -> Result<Completed<Order>, Failure> {
    let (lines, reason) = parse(|parser| {
        let lines = parse_lines(parser, &input.lines);
        let reason = parser.optional_text(&["reason"], input.reason.as_ref(), Text::SHORT);
        Some((lines, reason?))
    })?;
    let order = find_order(ctx, &input.order_id).await?;
    let command = OrderCommand::RequestReturn { lines, reason };
    let command = AggregateCommand { name: "orderReturnRequest", id: order, command };
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let path_of = path_of_line(&input.lines);
    render_order(execute_with_paths(ctx, &input, options, command, path_of).await?)
}

async fn accept(
    ctx: &Context<'_>,
    input: OrderReturnAcceptInput,
) -> Result<Completed<Order>, Failure> {
    let lines = parse(|parser| Some(parse_lines(parser, &input.lines)))?;
    let (order, restocking) = (find_order(ctx, &input.order_id).await?, input.restocking.into());
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let command = AcceptReturn { order, lines, restocking };
    let path_of = path_of_line(&input.lines);
    render_order(execute_with_paths(ctx, &input, options, command, path_of).await?)
}
