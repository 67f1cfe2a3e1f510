//! The log of one SKU with many orders: each reserves a unit and is paid.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta};
use domain::inventory::{Inventory, InventoryCommand};
use domain::{Decide, OrderId, Quantity, Sku};
use sqlx::PgPool;
use uuid::Uuid;

use super::log::{HistoryLog, Origin, changes_of};
use crate::error::BenchError;

/// Fills an empty log with `events` events of one stream, at whose end `open` reservations are
/// open.
pub async fn stock(
    pool: &PgPool,
    sku: &Sku,
    events: i64,
    reservations: usize,
) -> Result<(), BenchError> {
    let mut log = HistoryLog::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let mut open: VecDeque<OrderId> = VecDeque::new();
    let stream = sku.inventory();
    let quantity = Quantity::ONE;
    super::copy(pool, events, || {
        let next = match (log.state(stream), open.front()) {
            (None, _) => InventoryCommand::Register {
                sku: sku.clone(),
                on_hand: 1_000_000,
                reorder_level: 10,
                reorder_quantity: 100,
            },
            (_, Some(oldest)) if open.len() == reservations => {
                InventoryCommand::Commit { order: *oldest, quantity }
            }
            _ => {
                let expires_at = log.now + TimeDelta::days(1);
                InventoryCommand::Reserve { order: OrderId(Uuid::now_v7()), quantity, expires_at }
            }
        };
        match next {
            InventoryCommand::Reserve { order, .. } => open.push_back(order),
            InventoryCommand::Commit { .. } => drop(open.pop_front()),
            _ => {}
        }
        let absent = Inventory::Absent;
        let decided = log.inventory(sku).unwrap_or(&absent).decide(&next, log.now);
        let origin = Origin { command: "sell", actor: "system:bench".into(), caused_by: None };
        log.append(origin, changes_of(stream, decided))?;
        Ok(std::mem::take(&mut log.events))
    })
    .await
}
