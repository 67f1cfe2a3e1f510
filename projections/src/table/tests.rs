//! Each list of columns against the migrated table, and the statements that are made of it.

use local_postgres::testing::database;

use super::*;
use crate::model::{ReadModel, with_projection};
use crate::projection::Projection;

/// Name and type of each column, ordered by name.
type Columns = Vec<(String, String)>;

fn declared<P: Projection>() -> Columns {
    let columns = P::table().columns.iter();
    let mut columns: Columns =
        columns.map(|column| (column.name.to_owned(), column.sql_type().to_owned())).collect();
    columns.sort();
    columns
}

#[tokio::test]
async fn each_table_has_the_columns_of_its_read_model_in_the_migrated_database() {
    let database = database(&event_store::MIGRATIONS).await;
    for model in ReadModel::ALL {
        let (table, key, declared) = with_projection!(model, P => {
            (P::table().name, P::table().key, declared::<P>())
        });
        let migrated: Columns = sqlx::query_as(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute
             where attrelid = $1::regclass and attnum > 0 and not attisdropped
             order by attname collate \"C\"",
        )
        .bind(table)
        .fetch_all(database.pool())
        .await
        .unwrap();
        assert_eq!(declared, migrated, "{model}");
        let primary_key: Vec<String> = sqlx::query_scalar(
            "select attname::text from pg_constraint, unnest(conkey) with ordinality as key (n, i)
             join pg_attribute on attnum = n
             where conrelid = $1::regclass and attrelid = conrelid and contype = 'p' order by i",
        )
        .bind(table)
        .fetch_all(database.pool())
        .await
        .unwrap();
        assert_eq!(key, primary_key, "{model}");
    }
}

struct Mug {
    id: Uuid,
    name: &'static str,
}

#[test]
fn statements_are_made_from_the_list_of_columns() {
    let columns = || {
        [
            Column::uuid("id", |mug: &Mug| Some(mug.id)),
            Column::text("name", |mug| Some(mug.name)),
            Column::json("state", |mug, json| serde_json::to_writer(json, mug.name)),
        ]
    };
    let mugs = Table::new("mugs", &["id"], columns()).selecting_first(2);
    let insert = "insert into mugs (id, name, state) select id, name, state::json \
                  from unnest($1::uuid[], $2::text[], $3::text[]) as row (id, name, state)";
    let update = "on conflict (id) do update set name = excluded.name, state = excluded.state";
    assert_eq!(mugs.save_statement(), format!("{insert} {update}"));
    assert_eq!(mugs.filter().sql().as_str(), "select id, name from mugs where true");
    let copy = "copy shadow.mugs (id, name, state) from stdin (format binary)";
    assert_eq!(mugs.copy_statement("shadow.mugs"), copy);
    assert_eq!(Table::append_only("mugs", &["id"], columns()).save_statement(), insert);
}
