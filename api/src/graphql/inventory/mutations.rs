//! The mutations of stock.

use async_graphql::{Context, ID, InputObject, Object, Result};
use commands::AggregateCommand;
use domain::Text;
use domain::inventory::InventoryCommand;
use serde::Serialize;

use super::object::{AdjustmentKind, InventoryItem};
use crate::graphql::errors::Failure;
use crate::graphql::input::{parse, parse_sku};
use crate::graphql::mutation::{Completed, MutationOptions, execute, payload};

/// A product whose units the shop begins to count.
#[derive(Debug, InputObject, Serialize)]
pub struct InventoryRegisterInput {
    /// SKU of a product in the catalogue that has no stock yet.
    sku: String,
    /// Number of units on the shelf now, 0 to 1,000,000,000; 0 by default.
    #[graphql(default)]
    on_hand: i64,
    /// The stock counts as low when this many units, or fewer, are available; 10 by default.
    #[graphql(default = 10)]
    reorder_level: i64,
    /// Number of units to buy when the stock is low; 50 by default.
    #[graphql(default = 50)]
    reorder_quantity: i64,
    /// With the same key, a repeated request registers nothing again: it gets the stock as it is now,
    /// instead of the error `INVENTORY_EXISTS`. See `Mutation`.
    idempotency_key: ID,
}

/// A change of the number of units on the shelf. Give a reason, a reference or both.
#[derive(Debug, InputObject, Serialize)]
pub struct InventoryAdjustInput {
    /// SKU of the product whose units are counted anew.
    sku: String,
    /// The kind of change; it decides whether the quantity must be positive or negative.
    kind: AdjustmentKind,
    /// Number of units to add, or to take away if negative; not 0, and at most 1,000,000,000 either
    /// way.
    quantity: i64,
    /// Why the number changes, in 1 to 200 characters; required if there is no reference.
    reason: Option<String>,
    /// Number of a document, such as a purchase order, in 1 to 200 characters; required if there is
    /// no reason.
    reference: Option<String>,
    /// With the same key, a repeated request adds or takes away the units only once. See `Mutation`.
    idempotency_key: ID,
    /// Refuse with `VERSION_CONFLICT` unless the stock has this version. Every reservation changes
    /// the version, so it is seldom useful while customers order.
    expected_version: Option<i32>,
}

/// When a stock counts as low, and how many units to buy then.
#[derive(Debug, InputObject, Serialize)]
pub struct InventoryReorderLevelSetInput {
    /// SKU of the product whose reorder level is set.
    sku: String,
    /// The stock counts as low when this many units, or fewer, are available: 0 to 1,000,000,000.
    reorder_level: i64,
    /// Number of units to buy when the stock is low, 0 to 1,000,000,000.
    reorder_quantity: i64,
    /// With the same key, a repeated request does not undo a later setting. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the stock has this version, so that you do not overwrite
    /// another person's setting.
    expected_version: Option<i32>,
}

payload! {
    inventoryRegister => InventoryRegisterPayload {
        /// The new stock. Null if the request was refused.
        inventory_item: InventoryItem
    }
}
payload! {
    inventoryAdjust => InventoryAdjustPayload {
        /// The stock with its new count. Null if the request was refused.
        inventory_item: InventoryItem
    }
}
payload! {
    inventoryReorderLevelSet => InventoryReorderLevelSetPayload {
        /// The stock with its new reorder level. Null if the request was refused.
        inventory_item: InventoryItem
    }
}

#[derive(Debug, Default)]
pub struct InventoryMutation;

#[Object]
impl InventoryMutation {
    /// Begins to count the stock of a product, with its first ledger line.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `INVENTORY_EXISTS`, `PRODUCT_NOT_FOUND`, `INVALID_SKU`, `INVALID_QUANTITY`.
    async fn inventory_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product, its units on the shelf and its reorder level.")]
        input: InventoryRegisterInput,
    ) -> Result<InventoryRegisterPayload> {
        InventoryRegisterPayload::render(register(ctx, input).await)
    }

    /// Adds units to a stock or takes units away, with a ledger line. Units that are reserved for
    /// orders cannot be taken away.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `BELOW_RESERVED`, `REASON_REQUIRED`, `INVENTORY_NOT_FOUND`, `INVALID_SKU`,
    /// `INVALID_QUANTITY`, `INVALID_TEXT`, `CARD_NUMBER_REFUSED`, `VERSION_CONFLICT`.
    async fn inventory_adjust(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The stock, the number of units and the reason.")]
        input: InventoryAdjustInput,
    ) -> Result<InventoryAdjustPayload> {
        InventoryAdjustPayload::render(adjust(ctx, input).await)
    }

    /// Sets when a stock counts as low, and how many units to buy then.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `INVENTORY_NOT_FOUND`, `INVALID_SKU`, `INVALID_QUANTITY`, `VERSION_CONFLICT`.
    async fn inventory_reorder_level_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The stock and its new reorder level.")]
        input: InventoryReorderLevelSetInput,
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
    execute_on_stock(ctx, "inventoryRegister", &input.sku, &input, options, command).await
}

async fn adjust(
    ctx: &Context<'_>,
    input: InventoryAdjustInput,
) -> Result<Completed<InventoryItem>, Failure> {
    let (kind, quantity) = (input.kind.into(), input.quantity);
    let command = parse(|parser| {
        let reason = parser.optional_text(&["reason"], input.reason.as_ref(), Text::SHORT);
        let reference = input.reference.as_deref().map(Text::reference).transpose();
        let reference = parser.accept(&["reference"], reference);
        Some(InventoryCommand::Adjust { kind, quantity, reason: reason?, reference: reference? })
    })?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    execute_on_stock(ctx, "inventoryAdjust", &input.sku, &input, options, command).await
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
    execute_on_stock(ctx, "inventoryReorderLevelSet", &input.sku, &input, options, command).await
}

async fn execute_on_stock(
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
