//! The stock of every SKU, and in `ledger.rs` every change of what is on hand.

mod ledger;
mod query;

use domain::inventory::{Inventory, InventoryEvent, Stock};
use domain::{Event, Kind};
use sqlx::PgConnection;

pub(crate) use self::ledger::Ledger;
pub use self::ledger::{LedgerKind, LedgerLine};
pub use self::query::Filter;
use crate::row::{Aggregates, Row, bind_rows, column, row_columns};

pub(crate) struct Items;

impl Aggregates for Items {
    const TABLE: &'static str = "inventory_items";
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Inventory;
    const LOAD: &'static str =
        concat!("select ", row_columns!(), " from inventory_items where id = any($1)");
    type State = Inventory;

    fn event(event: &Event) -> Option<&InventoryEvent> {
        match event {
            Event::Inventory(event) => Some(event),
            _ => None,
        }
    }

    async fn upsert(
        connection: &mut PgConnection,
        rows: &[&Row<Inventory>],
    ) -> Result<(), sqlx::Error> {
        let insert = bind_rows(
            "insert into inventory_items (id, version, position, created_at, updated_at, state,
                                          sku, low)
             select id, version, position, created_at, updated_at, state::json, sku, low
             from unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                         $5::timestamptz[], $6::text[], $7::text[], $8::boolean[])
               as row (id, version, position, created_at, updated_at, state, sku, low)
             on conflict (id) do update set
                 version = excluded.version, position = excluded.position,
                 updated_at = excluded.updated_at, state = excluded.state, low = excluded.low",
            rows,
        )?;
        insert
            .bind(column(rows, |row| of(row, |stock| stock.sku.to_string())))
            .bind(column(rows, |row| of(row, |stock| stock.low)))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// A stream that does not begin with `inventory.registered` has no value for any column, and is
/// refused.
fn of<V>(row: &Row<Inventory>, value: impl Fn(&Stock) -> V) -> Option<V> {
    row.state.stock().map(value)
}
