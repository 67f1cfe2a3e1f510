//! An upgrade from any schema ends with the read models that a rebuild would give.
//!
//! The data is that of the first release's dump. It is written into a database of an earlier
//! schema, into the tables and columns that exist there, and migrated from there.

use event_store::{EventStore, MIGRATIONS};
use local_postgres::testing::TestDatabase;
use projections::rebuild::{RebuildMode, rebuild_all};
use projections::{Projector, ProjectorOptions, ReadModel};
use sqlx::migrate::{Migration, Migrator};
use sqlx::{AssertSqlSafe, PgPool};

use super::restore::{RELEASES, Release, empty_database, run};
use crate::cluster::until;

/// The first schema with the functions that read models need; before it, no program was released.
const FIRST: i64 = 20;

/// The migration that lost the carts, and the one that repairs it.
const LOSES_CARTS: i64 = 36;
const REPAIRS_CARTS: i64 = 39;

/// Read models that were added after the first schema here, with their tables.
const LATER: [(&str, &str); 2] =
    [("projection:coupons", "coupons"), ("projection:notifications", "notifications")];

async fn migrate(database: &TestDatabase, is_wanted: impl Fn(i64) -> bool) {
    let migrations: Vec<Migration> =
        MIGRATIONS.iter().filter(|migration| is_wanted(migration.version)).cloned().collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.set_ignore_missing(true);
    migrator.run(database.pool()).await.unwrap();
}

/// A database whose schema ends with this migration, with the dump's data in it.
async fn at_schema(version: i64, dump: &TestDatabase) -> TestDatabase {
    let database = empty_database().await;
    migrate(&database, |other| other <= version).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables
         where schemaname in ('public', 'simulator') and tablename <> '_sqlx_migrations'",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    for table in tables {
        copy(&table, dump.pool(), database.pool()).await;
    }
    for (lease, table) in LATER {
        let drop = "delete from leases where name = $1 and to_regclass($2) is null";
        sqlx::query(drop).bind(lease).bind(table).execute(database.pool()).await.unwrap();
    }
    database
}

async fn copy(table: &str, from: &PgPool, to: &PgPool) {
    if table == "simulator.intents" && !has_column(to, table, "revision").await {
        return copy_old_intents(from, to).await;
    }
    let exists: Option<bool> = sqlx::query_scalar("select true where to_regclass($1) is not null")
        .bind(table)
        .fetch_optional(from)
        .await
        .unwrap();
    if exists.is_none() {
        return;
    }
    let rows = format!("select coalesce(json_agg(t), '[]')::text from {table} t");
    let rows: String = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(from).await.unwrap();
    let insert = format!(
        "insert into {table} select * from json_populate_recordset(null::{table}, $1::json)"
    );
    sqlx::query(AssertSqlSafe(insert)).bind(rows).execute(to).await.unwrap();
}

async fn has_column(pool: &PgPool, table: &str, column: &str) -> bool {
    let query = "select exists (select from pg_attribute
                                where attrelid = $1::regclass and attname = $2 and attnum > 0)";
    sqlx::query_scalar(query).bind(table).bind(column).fetch_one(pool).await.unwrap()
}

/// Before migration 0034, an intent and its answers were in separate tables.
async fn copy_old_intents(from: &PgPool, to: &PgPool) {
    let intents: Vec<String> = sqlx::query_scalar("select intent::text from simulator.intents")
        .fetch_all(from)
        .await
        .unwrap();
    for intent in intents {
        sqlx::raw_sql(AssertSqlSafe(format!(
            "with given as (select $intent${intent}$intent$::json as intent), kept as (
                 insert into simulator.intents (id, payment_id, token, amount, currency, status, captured)
                 select intent->>'id', (intent->>'payment_id')::uuid, 'tok_' || (intent->>'story'),
                        (intent->'amount'->>'amount')::bigint, intent->'amount'->>'currency',
                        intent->>'status', (intent->>'captured')::bigint from given
             )
             insert into simulator.answers (idempotency_key, answer)
             select intent->>'payment_id' || '/' || key, value from given, json_each(intent->'answers')"
        )))
        .execute(to)
        .await
        .unwrap();
    }
}

async fn intents(pool: &PgPool) -> Vec<String> {
    let query = "select intent::jsonb::text from simulator.intents order by payment_id";
    sqlx::query_scalar(query).fetch_all(pool).await.unwrap()
}

/// Projects all remaining events, and compares live rows with rebuilt ones.
async fn check_read_models_complete(database: &TestDatabase, from: i64) {
    let store = EventStore::connect(database.url(), Default::default()).await.unwrap();
    let projector = Projector::start(store.clone(), ProjectorOptions::default());
    let head = store.head().await.unwrap();
    let behind = "select count(*) from leases where name = any($1) and position = $2";
    let names = ReadModel::ALL.map(ReadModel::lease);
    until(&format!("everything is projected after {from}"), async || {
        let query = sqlx::query_scalar::<_, i64>(behind).bind(&names[..]).bind(head);
        query.fetch_one(database.pool()).await.unwrap() == names.len() as i64
    })
    .await;
    projector.shutdown().await;
    for (model, report) in rebuild_all(&store, &ReadModel::ALL, RebuildMode::Verify, |_| ()).await {
        let report = report.unwrap();
        let compared = report.compared.unwrap_or_else(|| panic!("{from}: {model}"));
        assert_eq!((compared.different, compared.position), (0, head), "{from}: {model}");
    }
    store.shutdown().await;
}

async fn count(database: &TestDatabase, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(database.pool()).await.unwrap()
}

const CARTS: &str = "select count(*) from carts";
const EPOCH: &str = "select epoch from leases where name = 'projection:carts'";

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_from_any_schema_ends_with_the_same_read_models() {
    let release = Release::read(RELEASES[0]);
    let dump = release.restore().await;
    // Rows of the dump do not fit a later schema: the columns that were added since are missing.
    let last: i64 = count(&dump, "select max(version) from _sqlx_migrations").await;
    let versions = MIGRATIONS.iter().map(|migration| migration.version);
    for version in versions.filter(|version| (FIRST..=last).contains(version)) {
        let database = at_schema(version, &dump).await;
        migrate(&database, |_| true).await;
        check_read_models_complete(&database, version).await;
        if has_column(database.pool(), "simulator.intents", "revision").await && version >= 34 {
            assert_eq!(intents(database.pool()).await, intents(dump.pool()).await, "{version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_that_an_earlier_upgrade_lost_are_restored() {
    let release = Release::read(RELEASES[0]);
    let dump = release.restore().await;
    let database = at_schema(LOSES_CARTS - 1, &dump).await;
    migrate(&database, |version| version < REPAIRS_CARTS).await;
    // The fault so far: the rows are missing, and no worker creates them again.
    assert_eq!(count(&database, CARTS).await, 0);
    let checkpoint = "select position from leases where name = 'projection:carts'";
    assert_eq!(count(&database, checkpoint).await, release.head());
    run(
        &database,
        "update leases set stopped_because = 'no row' where name = 'projection:carts'".into(),
    )
    .await;

    migrate(&database, |_| true).await;
    check_read_models_complete(&database, LOSES_CARTS - 1).await;
    assert!(count(&database, CARTS).await > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn complete_carts_are_not_rebuilt() {
    let release = Release::read(RELEASES[0]);
    let database = release.restore().await;
    let (carts, epoch) = (count(&database, CARTS).await, count(&database, EPOCH).await);
    assert!(carts > 10);
    migrate(&database, |_| true).await;
    assert_eq!((count(&database, CARTS).await, count(&database, EPOCH).await), (carts, epoch));

    // A shop without carts, of which no event was projected yet, is not reset either.
    let new = empty_database().await;
    migrate(&new, |_| true).await;
    assert_eq!(count(&new, "select count(*) from leases").await, 0);
}
