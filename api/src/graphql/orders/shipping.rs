//! The mutations of processing, shipping and delivery.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use commands::AggregateCommand;
use domain::order::{LineQuantity, OrderCommand, Shipment};
use domain::{Refusal, ShipmentId, Text};
use serde::Serialize;
use uuid::Uuid;

use super::Order;
use super::mutations::{execute_on_order, find_order, render_order};
use crate::graphql::errors::Failure;
use crate::graphql::input::{Parser, parse};
use crate::graphql::lines;
use crate::graphql::mutation::{Completed, MutationOptions, execute_with_paths, payload};

/// The order that staff begin to pack.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderProcessingStartInput {
    /// UUID of the order to pack, not its number.
    order_id: ID,
    /// With the same key, a repeated request starts nothing again: it gets the order as it is now. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the order has this version, so that you pack for the
    /// address you have seen.
    expected_version: Option<i32>,
}

/// A parcel that is handed to a carrier.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderShipInput {
    /// UUID of the order that the parcel belongs to, not its number.
    order_id: ID,
    /// The units in the parcel. If the list is empty, all units that are not shipped yet are in it.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// Name of the company that carries the parcel, 1 to 200 characters.
    carrier: Option<String>,
    /// Number by which the carrier tracks the parcel, 1 to 200 characters.
    tracking_number: Option<String>,
    /// Time at which the parcel should arrive.
    estimated_delivery: Option<DateTime<Utc>>,
    /// With the same key, a repeated request records the parcel only once. Recommended, since without
    /// it a repeated request may record a second parcel. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the order has this version, so that two people do not
    /// record the same parcel.
    expected_version: Option<i32>,
}

/// Units that have arrived at the buyer.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderDeliverInput {
    /// UUID of the order whose units have arrived, not its number.
    order_id: ID,
    /// The units that have arrived. If the list is empty, all units that are shipped and not
    /// delivered yet are meant.
    #[graphql(default)]
    lines: Vec<OrderPartInput>,
    /// With the same key, a repeated request records the delivery only once. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the order has this version, so that two people do not
    /// record the same delivery.
    expected_version: Option<i32>,
}

/// Units of one product of an order.
#[derive(Debug, InputObject, Serialize)]
pub struct OrderPartInput {
    /// SKU of a line of the order.
    sku: String,
    /// Number of units of this line, 1 to 10,000. Entries with the same SKU are added up.
    quantity: i64,
}

payload! {
    orderProcessingStart => OrderProcessingStartPayload {
        /// The order, which is now being packed. Null if the request was refused.
        order: Order
    }
}
payload! {
    orderShip => OrderShipPayload {
        /// The order with the new parcel. Null if the request was refused.
        order: Order
    }
}
payload! {
    orderDeliver => OrderDeliverPayload {
        /// The order with its delivered units. Null if the request was refused.
        order: Order
    }
}

#[derive(Debug, Default)]
pub struct OrderShippingMutation;

#[Object]
impl OrderShippingMutation {
    /// Records that staff have begun to pack a confirmed order. From then on buyers can neither
    /// change nor cancel it. Nothing changes if processing has started already.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `ORDER_NOT_CONFIRMED`, `ORDER_NOT_PAID`, `ORDER_CLOSED`, `NOT_FOUND`,
    /// `INVALID_ID`, `VERSION_CONFLICT`.
    async fn order_processing_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order that is being packed.")] input: OrderProcessingStartInput,
    ) -> Result<OrderProcessingStartPayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("orderProcessingStart", OrderCommand::StartProcessing);
        OrderProcessingStartPayload::render(
            execute_on_order(ctx, name, &input.order_id, &input, options, command).await,
        )
    }

    /// Records that a parcel with some or all units of an order was sent. The buyer gets a message.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `ORDER_NOT_PROCESSING` if processing has not started, `ORDER_NOT_CONFIRMED`,
    /// `ORDER_NOT_PAID`, `ORDER_CLOSED`, `QUANTITY_EXCEEDS_UNSHIPPED`, `NOT_FOUND` for the order or a
    /// SKU in it, `INVALID_ID`, `INVALID_SKU`, `INVALID_QUANTITY`, `INVALID_TEXT`,
    /// `CARD_NUMBER_REFUSED`, `VERSION_CONFLICT`.
    async fn order_ship(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order, the units in the parcel and how it is sent.")]
        input: OrderShipInput,
    ) -> Result<OrderShipPayload> {
        OrderShipPayload::render(ship(ctx, input).await)
    }

    /// Records that shipped units have arrived. The buyer gets a message.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `QUANTITY_EXCEEDS_SHIPPED`, `ORDER_NOT_PROCESSING` if processing has not started,
    /// `ORDER_NOT_CONFIRMED`, `ORDER_CLOSED`, `NOT_FOUND` for the order or a SKU in it, `INVALID_ID`,
    /// `INVALID_SKU`, `INVALID_QUANTITY`, `VERSION_CONFLICT`.
    async fn order_deliver(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order and the units that have arrived.")] input: OrderDeliverInput,
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
    // A tracking number can look like a card number, so it is not checked for card numbers.
    let tracking_number = parser.accept(
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

/// Parses lines of an order. A line with an error is left out, and the parser keeps the error.
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

/// Returns a function that finds the path of the line that a refusal is about.
pub(super) fn path_of_line(lines: &[OrderPartInput]) -> impl Fn(&Refusal) -> Option<Vec<String>> {
    move |refusal| lines::path_of_line(refusal, lines, |line| &line.sku)
}
