//! Goods on their way: packed, handed over, arrived.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use commands::AggregateCommand;
use domain::order::{LineQuantity, OrderCommand, Shipment};
use domain::{Refusal, ShipmentId, Text};
use serde::Serialize;
use uuid::Uuid;

use super::Order;
use super::mutations::{ask, find_order, render_order};
use crate::graphql::errors::Failure;
use crate::graphql::input::{Parser, parse};
use crate::graphql::lines;
use crate::graphql::mutation::{Completed, MutationOptions, execute_with_paths, payload};

/// The order that is being packed.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderProcessingStartInput {
    /// The order.
    order_id: ID,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the order is at this version.
    expected_version: Option<i32>,
}

/// A parcel.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderShipInput {
    /// The order.
    order_id: ID,
    /// What is in it; without lines, all that is not shipped yet.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// Who carries it.
    carrier: Option<String>,
    /// The carrier's number for it.
    tracking_number: Option<String>,
    /// When it should arrive.
    estimated_delivery: Option<DateTime<Utc>>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the order is at this version.
    expected_version: Option<i32>,
}

/// Goods that have arrived.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderDeliverInput {
    /// The order.
    order_id: ID,
    /// What has arrived; without lines, all that is on its way.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the order is at this version.
    expected_version: Option<i32>,
}

/// So many of one SKU.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderPartInput {
    /// The SKU.
    sku: String,
    /// 1 to 10,000.
    quantity: i64,
}

payload! {
    /// The answer of `orderProcessingStart`.
    OrderProcessingStartPayload {
        /// The order as it now is.
        order: Order
    }
}
payload! {
    /// The answer of `orderShip`.
    OrderShipPayload {
        /// The order as it now is.
        order: Order
    }
}
payload! {
    /// The answer of `orderDeliver`.
    OrderDeliverPayload {
        /// The order as it now is.
        order: Order
    }
}

#[derive(Debug, Default)]
pub struct OrderShippingMutation;

#[Object]
impl OrderShippingMutation {
    /// Begins to pack a confirmed order.
    async fn order_processing_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order.")] input: OrderProcessingStartInput,
    ) -> Result<OrderProcessingStartPayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("orderProcessingStart", OrderCommand::StartProcessing);
        OrderProcessingStartPayload::render(
            ask(ctx, name, &input.order_id, &input, options, command).await,
        )
    }

    /// Records that a parcel is on its way.
    async fn order_ship(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The parcel.")] input: OrderShipInput,
    ) -> Result<OrderShipPayload> {
        OrderShipPayload::render(ship(ctx, input).await)
    }

    /// Records that goods have arrived.
    async fn order_deliver(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What has arrived.")] input: OrderDeliverInput,
    ) -> Result<OrderDeliverPayload> {
        OrderDeliverPayload::render(deliver(ctx, input).await)
    }
}

async fn ship(ctx: &Context<'_>, input: OrderShipInput) -> Result<Completed<Order>, Failure> {
    let command = OrderCommand::Ship { shipment: parse(|parser| parse_shipment(parser, &input))? };
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let order = find_order(ctx, &input.order_id).await?;
    let command = AggregateCommand { name: "orderShip", id: order, command };
    let path_of = path_of_line(&input.lines);
    render_order(execute_with_paths(ctx, &input, options, command, path_of).await?)
}

async fn deliver(ctx: &Context<'_>, input: OrderDeliverInput) -> Result<Completed<Order>, Failure> {
    let lines = parse(|parser| Some(parse_lines(parser, &input.lines)))?;
    let command = OrderCommand::Deliver { lines };
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let order = find_order(ctx, &input.order_id).await?;
    let command = AggregateCommand { name: "orderDeliver", id: order, command };
    let path_of = path_of_line(&input.lines);
    render_order(execute_with_paths(ctx, &input, options, command, path_of).await?)
}

fn parse_shipment(parser: &mut Parser, input: &OrderShipInput) -> Option<Shipment> {
    let lines = parse_lines(parser, &input.lines);
    let carrier = parser.optional_text(&["carrier"], input.carrier.as_ref(), Text::SHORT);
    // A tracking number can look like a card number, so it is not checked for one.
    let tracking_number = parser.take(
        &["trackingNumber"],
        input.tracking_number.as_deref().map(Text::reference).transpose(),
    );
    Some(Shipment {
        id: ShipmentId(Uuid::now_v7()),
        lines,
        carrier: carrier?,
        tracking_number: tracking_number?,
        estimated_delivery: input.estimated_delivery,
    })
}

/// A line with an error is left out; the parser keeps the error under the line's path.
pub(super) fn parse_lines(parser: &mut Parser, lines: &[OrderPartInput]) -> Vec<LineQuantity> {
    let mut parts = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let n = n.to_string();
        let sku = parser.sku(&["lines", &n, "sku"], &line.sku);
        let quantity = parser.quantity(&["lines", &n, "quantity"], line.quantity);
        if let (Some(sku), Some(quantity)) = (sku, quantity) {
            parts.push(LineQuantity { sku, quantity });
        }
    }
    parts
}

/// Finds the path of the line that a refusal is about.
pub(super) fn path_of_line(lines: &[OrderPartInput]) -> impl Fn(&Refusal) -> Option<Vec<String>> {
    move |refusal| lines::path_of_line(refusal, lines, |line| &line.sku)
}
