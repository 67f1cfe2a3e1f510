//! The ledger: one line for each change of the quantity on hand, sales included.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::inventory::{AdjustmentKind, InventoryEvent};
use domain::{Event, Kind, OrderId, Timestamp, from_stored_name, stored_name};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use uuid::Uuid;

use crate::feed::LogEntry;
use crate::projection::{Poison, Projection};
use crate::table::{Column, Table};

pub(crate) struct Ledger;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// The position of the event.
    pub position: i64,
    /// The id of the inventory stream; see [`domain::Sku::inventory`].
    pub inventory_id: Uuid,
    pub kind: LedgerKind,
    /// The change in units: positive for units that were added.
    pub quantity: i64,
    /// The quantity on hand after the change.
    pub balance: i64,
    pub reason: Option<String>,
    pub reference: Option<String>,
    /// The order, if the line is a sale.
    pub order: Option<OrderId>,
    pub actor: String,
    pub at: Timestamp,
}

/// Why the quantity changed. The table stores the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LedgerKind {
    Purchase,
    Return,
    Damage,
    Adjustment,
    Sale,
}

impl LedgerKind {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }
}

impl From<AdjustmentKind> for LedgerKind {
    fn from(kind: AdjustmentKind) -> LedgerKind {
        match kind {
            AdjustmentKind::Purchase => LedgerKind::Purchase,
            AdjustmentKind::Return => LedgerKind::Return,
            AdjustmentKind::Damage => LedgerKind::Damage,
            AdjustmentKind::Adjustment => LedgerKind::Adjustment,
        }
    }
}

pub(super) static TABLE: LazyLock<Table<LedgerLine>> = LazyLock::new(|| {
    let columns = [
        Column::bigint("position", |line: &LedgerLine| Some(line.position)),
        Column::uuid("inventory_id", |line| Some(line.inventory_id)),
        Column::text("kind", |line| Some(line.kind.as_str())),
        Column::bigint("quantity", |line| Some(line.quantity)),
        Column::bigint("balance", |line| Some(line.balance)),
        Column::text("reason", |line| line.reason.as_deref()),
        Column::text("reference", |line| line.reference.as_deref()),
        Column::uuid("order_id", |line| Some(line.order?.0)),
        Column::text("actor", |line| Some(&line.actor)),
        Column::timestamptz("at", |line| Some(line.at)),
    ];
    Table::append_only("inventory_ledger", &["position"], columns)
});

impl Projection for Ledger {
    const VERSION: i32 = 1;
    type Key = i64;
    type Row = LedgerLine;

    fn table() -> &'static Table<LedgerLine> {
        &TABLE
    }

    fn key(entry: &LogEntry) -> Result<Option<i64>, Poison> {
        if *entry.raw.stream_type != *Kind::Inventory.as_str() {
            return Ok(None);
        }
        Ok(line(entry)?.map(|line| line.position))
    }

    fn begins(_: &LogEntry) -> bool {
        true
    }

    fn apply(_: Option<LedgerLine>, entry: &LogEntry) -> Result<Option<LedgerLine>, Poison> {
        line(entry)
    }

    async fn load(
        _: &mut PgConnection,
        _: &[i64],
    ) -> Result<BTreeMap<i64, LedgerLine>, sqlx::Error> {
        // No line depends on another one.
        Ok(BTreeMap::new())
    }

    async fn remove(_: &mut PgConnection, _: &[i64]) -> Result<(), sqlx::Error> {
        // No line is ever removed.
        Ok(())
    }
}

/// The line for the event. None if it did not change the quantity on hand.
fn line(entry: &LogEntry) -> Result<Option<LedgerLine>, Poison> {
    let recorded = entry.decoded()?;
    let line = |kind, quantity, balance, at| LedgerLine {
        position: recorded.position,
        inventory_id: recorded.stream.id,
        kind,
        quantity,
        balance,
        reason: None,
        reference: None,
        order: None,
        actor: recorded.actor.to_string(),
        at,
    };
    Ok(match &recorded.event {
        Event::Inventory(InventoryEvent::Adjusted {
            kind,
            quantity,
            reason,
            reference,
            on_hand,
            at,
        }) => Some(LedgerLine {
            reason: reason.as_ref().map(ToString::to_string),
            reference: reference.as_ref().map(ToString::to_string),
            ..line((*kind).into(), *quantity, *on_hand, *at)
        }),
        Event::Inventory(InventoryEvent::Committed { order, quantity, on_hand, at }) => {
            let sale = line(LedgerKind::Sale, -quantity, *on_hand, *at);
            Some(LedgerLine { order: Some(*order), ..sale })
        }
        _ => None,
    })
}

impl<'r> FromRow<'r, PgRow> for LedgerLine {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let kind: &str = row.try_get("kind")?;
        let kind = from_stored_name(kind);
        Ok(LedgerLine {
            position: row.try_get("position")?,
            inventory_id: row.try_get("inventory_id")?,
            kind: kind.ok_or_else(|| {
                sqlx::Error::Decode("inventory_ledger.kind has an unknown value".into())
            })?,
            quantity: row.try_get("quantity")?,
            balance: row.try_get("balance")?,
            reason: row.try_get("reason")?,
            reference: row.try_get("reference")?,
            order: row.try_get::<Option<Uuid>, _>("order_id")?.map(OrderId),
            actor: row.try_get("actor")?,
            at: row.try_get("at")?,
        })
    }
}
