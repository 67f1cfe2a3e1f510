//! The stock of every SKU: its figures here, in `reservations.rs` for whom units are kept, and in
//! `ledger.rs` every change of what is on hand.

mod figures;
mod ledger;
mod query;
mod reservations;

use domain::{Event, Kind};

pub use self::figures::Figures;
pub(crate) use self::ledger::Ledger;
pub use self::ledger::{LedgerKind, LedgerLine};
pub use self::query::Filter;
pub(crate) use self::reservations::Reservations;
use crate::projection::Statement;
use crate::row::{Aggregates, Row, column, row_columns};
use crate::tuples::Tuples;

pub(crate) struct Items;

impl Aggregates for Items {
    const TABLE: &'static str = "inventory_items";
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Inventory;
    const LOAD: &'static str =
        concat!("select ", row_columns!(), " from inventory_items where id = any($1)");
    const COLUMNS: &'static str = concat!(row_columns!(), ", sku, low");
    /// None before the SKU is registered.
    type State = Option<Figures>;

    fn fold(state: &mut Option<Figures>, event: &Event) {
        let Event::Inventory(event) = event else { return };
        match state {
            Some(figures) => figures.apply(event),
            None => *state = Figures::registered(event),
        }
    }

    const SAVE: &'static str =
        "insert into inventory_items (id, version, position, created_at, updated_at, state,
                                      sku, low)
         select id, version, position, created_at, updated_at, state::json, sku, low
         from unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                     $5::timestamptz[], $6::text[], $7::text[], $8::boolean[])
           as row (id, version, position, created_at, updated_at, state, sku, low)
         on conflict (id) do update set
             version = excluded.version, position = excluded.position,
             updated_at = excluded.updated_at, state = excluded.state, low = excluded.low";

    fn bind_columns(save: Statement, rows: &[&Row<Option<Figures>>]) -> Statement {
        save.bind(column(rows, |row| of(row, |figures| figures.sku.as_str())))
            .bind(column(rows, |row| of(row, |figures| figures.low)))
    }

    fn copy(row: &Row<Option<Figures>>, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(of(row, |figures| figures.sku.as_str()))?;
        to.put(of(row, |figures| figures.low))
    }
}

/// A stream that does not begin with `inventory.registered` has no value for any column, and is
/// refused.
fn of<'r, V>(row: &'r Row<Option<Figures>>, value: impl Fn(&'r Figures) -> V) -> Option<V> {
    row.state.as_ref().map(value)
}
