//! Goods on their way: packed, handed over, arrived.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use commands::order::AskOrder;
use domain::order::{LineQuantity, OrderCommand, Shipment};
use domain::{Refusal, ShipmentId, Text};
use serde::Serialize;
use uuid::Uuid;

use super::Order;
use super::mutations::{ask, done, own};
use crate::graphql::errors::Failure;
use crate::graphql::input::Parser;
use crate::graphql::lines;
use crate::graphql::mutation::{Done, Terms, execute_at, payload};

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
        let terms = Terms::of(&input.idempotency_key, input.expected_version);
        let (name, command) = ("orderProcessingStart", OrderCommand::StartProcessing);
        OrderProcessingStartPayload::render(
            ask(ctx, name, &input.order_id, &input, terms, command).await,
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

async fn ship(ctx: &Context<'_>, input: OrderShipInput) -> Result<Done<Order>, Failure> {
    let mut parser = Parser::default();
    let lines = parts(&mut parser, &input.lines);
    let carrier = parser.optional_text(&["carrier"], input.carrier.as_ref(), Text::SHORT);
    // A tracking number may well look like a card number, so it is not searched for one.
    let tracking_number = parser.take(
        &["trackingNumber"],
        input.tracking_number.as_deref().map(Text::reference).transpose(),
    );
    let id = ShipmentId(Uuid::now_v7());
    let estimated_delivery = input.estimated_delivery;
    let shipment = (|| {
        let (carrier, tracking_number) = (carrier?, tracking_number?);
        Some(Shipment { id, lines, carrier, tracking_number, estimated_delivery })
    })();
    let command = OrderCommand::Ship { shipment: parser.finish(shipment)? };
    let terms = Terms::of(&input.idempotency_key, input.expected_version);
    let order = own(ctx, &input.order_id).await?;
    let command = AskOrder { name: "orderShip", order, command };
    done(execute_at(ctx, &input, terms, command, place(&input.lines)).await?)
}

async fn deliver(ctx: &Context<'_>, input: OrderDeliverInput) -> Result<Done<Order>, Failure> {
    let mut parser = Parser::default();
    let lines = parts(&mut parser, &input.lines);
    let command = parser.finish(Some(OrderCommand::Deliver { lines }))?;
    let terms = Terms::of(&input.idempotency_key, input.expected_version);
    let order = own(ctx, &input.order_id).await?;
    let command = AskOrder { name: "orderDeliver", order, command };
    done(execute_at(ctx, &input, terms, command, place(&input.lines)).await?)
}

/// What is wrong with a line is told of that line.
pub(super) fn parts(parser: &mut Parser, lines: &[OrderPartInput]) -> Vec<LineQuantity> {
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

/// Where in the input a refusal belongs that is about one of its lines.
pub(super) fn place(lines: &[OrderPartInput]) -> impl Fn(&Refusal) -> Option<Vec<String>> {
    move |refusal| lines::part_of(refusal, lines, |line| &line.sku)
}
