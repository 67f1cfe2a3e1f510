//! What can be done about stock.

use async_graphql::{Context, ID, InputObject, Object, Result};
use commands::AggregateCommand;
use domain::Text;
use domain::inventory::InventoryCommand;
use serde::Serialize;

use super::object::{AdjustmentKind, InventoryItem};
use crate::graphql::errors::Failure;
use crate::graphql::input::{parse, parse_sku};
use crate::graphql::mutation::{Completed, MutationOptions, execute, payload};

/// A SKU whose stock is to be kept.
#[derive(Debug, InputObject, Serialize)]
pub struct InventoryRegisterInput {
    /// The SKU of a product.
    sku: String,
    /// Units on the shelf: the ledger's first line.
    #[graphql(default)]
    on_hand: i64,
    /// At this many available units or fewer the stock is low.
    #[graphql(default = 10)]
    reorder_level: i64,
    /// How many units to order then.
    #[graphql(default = 50)]
    reorder_quantity: i64,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
}

/// A change of the number on the shelf.
#[derive(Debug, InputObject, Serialize)]
pub struct InventoryAdjustInput {
    /// The SKU.
    sku: String,
    /// Why.
    kind: AdjustmentKind,
    /// Units: what comes in is positive.
    quantity: i64,
    /// A reason; this or a reference is needed.
    reason: Option<String>,
    /// A document, such as a purchase order.
    reference: Option<String>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
    /// Refuse unless the stock is at this version.
    expected_version: Option<i32>,
}

/// When stock is low, and what to do then.
#[derive(Debug, InputObject, Serialize)]
pub struct InventoryReorderLevelSetInput {
    /// The SKU.
    sku: String,
    /// At this many available units or fewer the stock is low.
    reorder_level: i64,
    /// How many units to order then.
    reorder_quantity: i64,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the stock is at this version.
    expected_version: Option<i32>,
}

payload! {
    /// The answer of `inventoryRegister`.
    InventoryRegisterPayload {
        /// The new stock.
        inventory_item: InventoryItem
    }
}
payload! {
    /// The answer of `inventoryAdjust`.
    InventoryAdjustPayload {
        /// The stock as it now is.
        inventory_item: InventoryItem
    }
}
payload! {
    /// The answer of `inventoryReorderLevelSet`.
    InventoryReorderLevelSetPayload {
        /// The stock as it now is.
        inventory_item: InventoryItem
    }
}

#[derive(Debug, Default)]
pub struct InventoryMutation;

#[Object]
impl InventoryMutation {
    /// Begins to keep the stock of a product.
    async fn inventory_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKU, and what there is of it.")] input: InventoryRegisterInput,
    ) -> Result<InventoryRegisterPayload> {
        InventoryRegisterPayload::render(register(ctx, input).await)
    }

    /// Changes the number on the shelf. It never falls below what is reserved.
    async fn inventory_adjust(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, and why.")] input: InventoryAdjustInput,
    ) -> Result<InventoryAdjustPayload> {
        InventoryAdjustPayload::render(adjust(ctx, input).await)
    }

    /// Says when stock is low.
    async fn inventory_reorder_level_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "When it is low.")] input: InventoryReorderLevelSetInput,
    ) -> Result<InventoryReorderLevelSetPayload> {
        InventoryReorderLevelSetPayload::render(set_reorder_level(ctx, input).await)
    }
}

async fn register(
    ctx: &Context<'_>,
    input: InventoryRegisterInput,
) -> Result<Completed<InventoryItem>, Failure> {
    let command = parse(|parser| {
        let sku = parser.sku(&["sku"], &input.sku);
        let on_hand = parser.units(&["onHand"], input.on_hand);
        let reorder_level = parser.units(&["reorderLevel"], input.reorder_level);
        let reorder_quantity = parser.units(&["reorderQuantity"], input.reorder_quantity);
        Some(InventoryCommand::Register {
            sku: sku?,
            on_hand: on_hand?,
            reorder_level: reorder_level?,
            reorder_quantity: reorder_quantity?,
        })
    })?;
    let options = MutationOptions::new(&input.idempotency_key, None);
    ask(ctx, "inventoryRegister", &input.sku, &input, options, command).await
}

async fn adjust(
    ctx: &Context<'_>,
    input: InventoryAdjustInput,
) -> Result<Completed<InventoryItem>, Failure> {
    let (kind, quantity) = (input.kind.into(), input.quantity);
    let command = parse(|parser| {
        let reason = parser.optional_text(&["reason"], input.reason.as_ref(), Text::SHORT);
        let reference = input.reference.as_deref().map(Text::reference).transpose();
        let reference = parser.take(&["reference"], reference);
        Some(InventoryCommand::Adjust { kind, quantity, reason: reason?, reference: reference? })
    })?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    ask(ctx, "inventoryAdjust", &input.sku, &input, options, command).await
}

async fn set_reorder_level(
    ctx: &Context<'_>,
    input: InventoryReorderLevelSetInput,
) -> Result<Completed<InventoryItem>, Failure> {
    let command = parse(|parser| {
        let level = parser.units(&["reorderLevel"], input.reorder_level);
        let quantity = parser.units(&["reorderQuantity"], input.reorder_quantity);
        Some(InventoryCommand::SetReorderLevel {
            reorder_level: level?,
            reorder_quantity: quantity?,
        })
    })?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    ask(ctx, "inventoryReorderLevelSet", &input.sku, &input, options, command).await
}

async fn ask(
    ctx: &Context<'_>,
    name: &'static str,
    sku: &str,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: InventoryCommand,
) -> Result<Completed<InventoryItem>, Failure> {
    let sku = parse_sku("sku", sku)?;
    let receipt = execute(ctx, input, options, AggregateCommand { name, id: sku, command }).await?;
    Completed::from_receipt(receipt, "sku", |subject| match subject.state {
        domain::State::Inventory(state) => InventoryItem::new(subject.version, &state),
        _ => None,
    })
}
