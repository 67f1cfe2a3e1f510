//! Goods that come back.

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

/// Goods that somebody wants to send back.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderReturnRequestInput {
    /// The order.
    order_id: ID,
    /// What is to come back; without lines, all that was delivered.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// Why, in at most 200 characters.
    reason: Option<String>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the order is at this version.
    expected_version: Option<i32>,
}

/// Goods that have come back.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderReturnAcceptInput {
    /// The order.
    order_id: ID,
    /// What has come back; without lines, all that was asked about.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// What becomes of the goods.
    restocking: Restocking,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
    /// Refuse unless the order is at this version.
    expected_version: Option<i32>,
}

/// What becomes of goods that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::order::Restocking")]
pub enum Restocking {
    /// They go back on the shelf.
    Restocked,
    /// They are written off as damaged.
    WrittenOff,
}

payload! {
    /// The answer of `orderReturnRequest`.
    OrderReturnRequestPayload {
        /// The order as it now is.
        order: Order
    }
}
payload! {
    /// The answer of `orderReturnAccept`.
    OrderReturnAcceptPayload {
        /// The order as it now is.
        order: Order
    }
}

#[derive(Debug, Default)]
pub struct OrderReturnMutation;

#[Object]
impl OrderReturnMutation {
    /// Asks the shop to take delivered goods back.
    async fn order_return_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to come back, and why.")] input: OrderReturnRequestInput,
    ) -> Result<OrderReturnRequestPayload> {
        OrderReturnRequestPayload::render(request(ctx, input).await)
    }

    /// Takes delivered goods back: they go back on the shelf or are written off, in the same append.
    /// The money is given back with `paymentRefund`.
    async fn order_return_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What has come back.")] input: OrderReturnAcceptInput,
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
