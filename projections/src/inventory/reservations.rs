//! The reservations: one row for every order for which units of a SKU are kept.

use std::collections::BTreeMap;

use domain::inventory::InventoryEvent;
use domain::{Event, Kind, OrderId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use uuid::Uuid;

use crate::feed::Entry;
use crate::projection::{Poison, Projection, Statement};
use crate::row::column;
use crate::tuples::Tuples;

pub(crate) struct Reservations;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reservation {
    inventory_id: Uuid,
    order: OrderId,
    /// Units.
    quantity: i64,
    expires_at: Timestamp,
    /// Of the last event about it.
    position: i64,
}

impl Projection for Reservations {
    const TABLE: &'static str = "inventory_reservations";
    const KEY: &'static [&'static str] = &["inventory_id", "order_id"];
    const VERSION: i32 = 1;
    const COLUMNS: &'static str = "inventory_id, order_id, quantity, expires_at, position";
    type Key = (Uuid, OrderId);
    type Row = Reservation;

    fn key(entry: &Entry) -> Result<Option<Self::Key>, Poison> {
        if *entry.raw.stream_type != *Kind::Inventory.as_str() {
            return Ok(None);
        }
        let order = order(&entry.recorded()?.event);
        Ok(order.map(|order| (entry.raw.stream_id, order)))
    }

    fn begins(entry: &Entry) -> bool {
        // Only an extension depends on what was there before.
        let extends = |event: &Event| {
            matches!(event, Event::Inventory(InventoryEvent::ReservationExtended { .. }))
        };
        !entry.recorded().is_ok_and(|recorded| extends(&recorded.event))
    }

    fn apply(row: Option<Reservation>, entry: &Entry) -> Result<Option<Reservation>, Poison> {
        let recorded = entry.recorded()?;
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
        // Planned each time, for the table as large as it is, as where rows are removed.
        let rows: Vec<Reservation> = sqlx::query_as(
            "select inventory_id, order_id, quantity, expires_at, position
             from inventory_reservations
             join unnest($1::uuid[], $2::uuid[]) as wanted (inventory_id, order_id)
                 using (inventory_id, order_id)",
        )
        .bind(ids)
        .bind(orders)
        .persistent(false)
        .fetch_all(connection)
        .await?;
        Ok(rows.into_iter().map(|held| ((held.inventory_id, held.order), held)).collect())
    }

    const SAVE: &'static str =
        "insert into inventory_reservations (inventory_id, order_id, quantity, expires_at,
                                             position)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[],
                              $5::bigint[])
         on conflict (inventory_id, order_id) do update set
             quantity = excluded.quantity, expires_at = excluded.expires_at,
             position = excluded.position";

    fn bind(save: Statement, rows: &[&Reservation]) -> Result<Statement, sqlx::Error> {
        Ok(save
            .bind(column(rows, |held| held.inventory_id))
            .bind(column(rows, |held| held.order.0))
            .bind(column(rows, |held| held.quantity))
            .bind(column(rows, |held| held.expires_at))
            .bind(column(rows, |held| held.position)))
    }

    fn copy(held: &Reservation, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(held.inventory_id)?;
        to.put(held.order.0)?;
        to.put(held.quantity)?;
        to.put(held.expires_at)?;
        to.put(held.position)
    }

    async fn remove(connection: &mut PgConnection, keys: &[Self::Key]) -> Result<(), sqlx::Error> {
        let (ids, orders) = columns(keys);
        sqlx::query(
            "delete from inventory_reservations as held
             using unnest($1::uuid[], $2::uuid[]) as gone (inventory_id, order_id)
             where held.inventory_id = gone.inventory_id and held.order_id = gone.order_id",
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

/// Whose reservation the event is about.
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
