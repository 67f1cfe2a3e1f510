//! The stock of each SKU in three read models: its levels here, the reservations for orders in
//! `reservations.rs`, and each change of the quantity on hand in `ledger.rs`.

mod ledger;
mod query;
mod reservations;
mod stock_levels;

use std::sync::LazyLock;

use domain::{Event, Kind};

pub(crate) use self::ledger::Ledger;
pub use self::ledger::{LedgerKind, LedgerLine};
pub use self::query::Filter;
pub(crate) use self::reservations::Reservations;
pub use self::stock_levels::StockLevels;
use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Items;

static TABLE: LazyLock<Table<Row<Option<StockLevels>>>> = LazyLock::new(|| {
    let columns = [
        Column::text("sku", |row: &Row<Option<StockLevels>>| {
            Some(row.state.as_ref()?.sku.as_str())
        }),
        Column::boolean("low", |row| Some(row.state.as_ref()?.low)),
    ];
    Table::of_aggregates("inventory_items", columns)
});

impl Aggregates for Items {
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Inventory;
    /// None if the stream does not begin with `inventory.registered`. The columns are then null, so
    /// the table refuses the row.
    type State = Option<StockLevels>;

    fn table() -> &'static Table<Row<Option<StockLevels>>> {
        &TABLE
    }

    fn fold(state: &mut Option<StockLevels>, event: &Event) {
        let Event::Inventory(event) = event else { return };
        match state {
            Some(levels) => levels.apply(event),
            None => *state = StockLevels::registered(event),
        }
    }
}
