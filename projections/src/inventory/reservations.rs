//! Reservations: one row for each SKU and each order for which units of it are reserved.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::inventory::InventoryEvent;
use domain::{Event, Kind, OrderId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use uuid::Uuid;

use crate::feed::LogEntry;
use crate::projection::{Poison, Projection};
use crate::table::{Column, Table};

pub(crate) struct Reservations;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reservation {
    inventory_id: Uuid,
    order: OrderId,
    /// The number of units that are reserved.
    quantity: i64,
    expires_at: Timestamp,
    /// The position of the last event that changed it.
    position: i64,
}

static TABLE: LazyLock<Table<Reservation>> = LazyLock::new(|| {
    let columns = [
        Column::uuid("inventory_id", |held: &Reservation| Some(held.inventory_id)),
        Column::uuid("order_id", |held| Some(held.order.0)),
        Column::bigint("quantity", |held| Some(held.quantity)),
        Column::timestamptz("expires_at", |held| Some(held.expires_at)),
        Column::bigint("position", |held| Some(held.position)),
    ];
    Table::new("inventory_reservations", &["inventory_id", "order_id"], columns)
});

impl Projection for Reservations {
    const VERSION: i32 = 1;
    type Key = (Uuid, OrderId);
    type Row = Reservation;

    fn table() -> &'static Table<Reservation> {
        &TABLE
    }

    fn key(entry: &LogEntry) -> Result<Option<Self::Key>, Poison> {
        if *entry.raw.stream_type != *Kind::Inventory.as_str() {
            return Ok(None);
        }
        let order = order(&entry.decoded()?.event);
        Ok(order.map(|order| (entry.raw.stream_id, order)))
    }

    fn begins(entry: &LogEntry) -> bool {
        // Only an extension depends on the existing row.
        let extends = |event: &Event| {
            matches!(event, Event::Inventory(InventoryEvent::ReservationExtended { .. }))
        };
        !entry.decoded().is_ok_and(|recorded| extends(&recorded.event))
    }

    fn apply(row: Option<Reservation>, entry: &LogEntry) -> Result<Option<Reservation>, Poison> {
        let recorded = entry.decoded()?;
        let position = recorded.position;
        let Event::Inventory(event) = &recorded.event else { return Ok(row) };
        Ok(match *event {
            InventoryEvent::Reserved { order, quantity, expires_at, .. } => Some(Reservation {
                inventory_id: recorded.stream.id,
                order,
                quantity,
                expires_at,
                position,
            }),
            InventoryEvent::ReservationExtended { expires_at, .. } => {
                row.map(|held| Reservation { expires_at, position, ..held })
            }
            InventoryEvent::Released { .. } | InventoryEvent::Committed { .. } => None,
            _ => row,
        })
    }

    async fn load(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> Result<BTreeMap<Self::Key, Reservation>, sqlx::Error> {
        let (ids, orders) = columns(keys);
        // The statement is planned each time, for the table's current size.
        let rows = TABLE
            .select(
                "join unnest($1::uuid[], $2::uuid[]) as wanted (inventory_id, order_id)
                     using (inventory_id, order_id)",
            )
            .bind(ids)
            .bind(orders)
            .persistent(false)
            .fetch_all(connection)
            .await?;
        Ok(rows.into_iter().map(|held| ((held.inventory_id, held.order), held)).collect())
    }

    async fn remove(connection: &mut PgConnection, keys: &[Self::Key]) -> Result<(), sqlx::Error> {
        let (ids, orders) = columns(keys);
        sqlx::query(
            "delete from inventory_reservations as held
             using unnest($1::uuid[], $2::uuid[]) as removed (inventory_id, order_id)
             where held.inventory_id = removed.inventory_id and held.order_id = removed.order_id",
        )
        .bind(ids)
        .bind(orders)
        .persistent(false)
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn columns(keys: &[(Uuid, OrderId)]) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().map(|(inventory, order)| (*inventory, order.0)).unzip()
}

/// The order whose reservation the event changes.
fn order(event: &Event) -> Option<OrderId> {
    let Event::Inventory(event) = event else { return None };
    match event {
        InventoryEvent::Reserved { order, .. }
        | InventoryEvent::ReservationExtended { order, .. }
        | InventoryEvent::Released { order, .. }
        | InventoryEvent::Committed { order, .. } => Some(*order),
        InventoryEvent::Registered { .. }
        | InventoryEvent::Adjusted { .. }
        | InventoryEvent::ReorderLevelSet { .. }
        | InventoryEvent::LowStock { .. }
        | InventoryEvent::Recovered { .. } => None,
    }
}

impl<'r> FromRow<'r, PgRow> for Reservation {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Reservation {
            inventory_id: row.try_get("inventory_id")?,
            order: OrderId(row.try_get("order_id")?),
            quantity: row.try_get("quantity")?,
            expires_at: row.try_get("expires_at")?,
            position: row.try_get("position")?,
        })
    }
}
