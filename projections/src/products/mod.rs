//! The catalogue: products by SKU, by page, by search.

mod query;

use cqrs_es::Aggregate as _;
use domain::product::Product;
use domain::{Event, Kind};

pub use self::query::Filter;
use crate::projection::Statement;
use crate::row::{Aggregates, Row, column, row_columns};
use crate::tuples::Tuples;

pub(crate) struct Products;

impl Aggregates for Products {
    const TABLE: &'static str = "products";
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Product;
    const LOAD: &'static str =
        concat!("select ", row_columns!(), " from products where id = any($1)");
    const COLUMNS: &'static str = concat!(row_columns!(), ", sku, active, search");
    type State = Product;

    fn fold(product: &mut Product, event: &Event) {
        if let Event::Product(event) = event {
            product.apply(event.clone());
        }
    }

    const SAVE: &'static str =
        "insert into products (id, version, position, created_at, updated_at, state,
                               sku, active, search)
         select id, version, position, created_at, updated_at, state::json, sku, active, search
         from unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                     $5::timestamptz[], $6::text[], $7::text[], $8::boolean[], $9::text[])
           as row (id, version, position, created_at, updated_at, state, sku, active, search)
         on conflict (id) do update set
             version = excluded.version, position = excluded.position,
             updated_at = excluded.updated_at, state = excluded.state,
             sku = excluded.sku, active = excluded.active, search = excluded.search";

    fn bind_columns(save: Statement, rows: &[&Row<Product>]) -> Statement {
        save.bind(column(rows, |row| sku(&row.state)))
            .bind(column(rows, |row| row.state.is_active()))
            .bind(column(rows, |row| search(&row.state)))
    }

    fn copy(row: &Row<Product>, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(sku(&row.state))?;
        to.put(row.state.is_active())?;
        to.put(search(&row.state))
    }
}

fn sku(product: &Product) -> String {
    product.listing().map(|listing| listing.sku.to_string()).unwrap_or_default()
}

fn search(product: &Product) -> String {
    let text = |name: &domain::Text, sku: &domain::Sku| format!("{sku} {name}").to_lowercase();
    product.listing().map(|listing| text(&listing.name, &listing.sku)).unwrap_or_default()
}
