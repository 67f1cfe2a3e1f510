//! Products by id, by SKU, by page and by search.

mod query;

use std::sync::LazyLock;

use cqrs_es::Aggregate as _;
use domain::product::Product;
use domain::{Event, Kind};

pub use self::query::Filter;
use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Products;

static TABLE: LazyLock<Table<Row<Product>>> = LazyLock::new(|| {
    let columns = [
        Column::text("sku", |row: &Row<Product>| Some(sku(&row.state))),
        Column::boolean("active", |row| Some(row.state.is_active())),
        Column::composed_text("search", |row| Some(search(&row.state))),
    ];
    Table::of_aggregates("products", columns)
});

impl Aggregates for Products {
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Product;
    type State = Product;

    fn table() -> &'static Table<Row<Product>> {
        &TABLE
    }

    fn fold(product: &mut Product, event: &Event) {
        if let Event::Product(event) = event {
            product.apply(event.clone());
        }
    }
}

fn sku(product: &Product) -> &str {
    product.listing().map_or("", |listing| listing.sku.as_str())
}

/// The text that a search is matched against: SKU and name, in lower case.
fn search(product: &Product) -> String {
    let listing = product.listing();
    listing.map(|it| format!("{} {}", it.sku, it.name).to_lowercase()).unwrap_or_default()
}
