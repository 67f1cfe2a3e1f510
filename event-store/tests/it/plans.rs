//! Appending uses only index look-ups, however large the table has become.

use event_store::{EventStore, ExpectedHead};
use local_postgres::testing::TestDatabase;
use sqlx::{Connection, PgConnection, PgPool};

use crate::support::*;

const ROWS: i64 = 200_000;

/// A large table without statistics.
const FILL: &str = "insert into events
    select n, 'thing', gen_random_uuid(), 1, 'thing.happened', 1, '{}', gen_random_uuid(), null, '{}',
           gen_random_uuid(), null, 'system:fill', now()
    from generate_series((select max(position) + 1 from events), 200000) n";

/// Number of table rows and index entries that were read so far.
async fn rows_and_entries_read(pool: &PgPool) -> i64 {
    let sql = "select (seq_tup_read + (select sum(idx_tup_read) from pg_stat_user_indexes
                                       where relname = 'events'))::bigint
               from pg_stat_user_tables where relname = 'events'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Shuts the store down, since a backend reports its statistics when it ends.
async fn shut_down_to_report(database: &TestDatabase, store: EventStore) {
    within(store.shutdown()).await;
    let gone = "select not exists (select from pg_stat_activity
                where datname = current_database() and application_name = 'cartulary')";
    until(|| async { sqlx::query_scalar(gone).fetch_one(database.pool()).await.unwrap() }).await;
}

/// Appends with all outcomes: appended, conflicts and duplicates.
async fn work(store: &EventStore) {
    for _ in 0..20 {
        let (stream, again) = (id(), open(id()));
        let head = opened(store, stream).await;
        append(store, again.clone()).await;
        append(store, again).await;
        append(store, write(stream, ExpectedHead::Durable(head), 2)).await;
        append(store, write(stream, ExpectedHead::Durable(head), 3)).await;
        append(store, check([(stream, ExpectedHead::Durable(head))])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_to_a_large_table_looks_up_indexes_only() {
    let (database, store) = fresh().await;
    let pool = database.pool();
    sqlx::raw_sql("alter table events set (autovacuum_enabled = off)").execute(pool).await.unwrap();
    // The plans are made, and kept, while the table has one page, which is faster to scan.
    opened(&node(&database).await, id()).await;
    sqlx::raw_sql("analyze events").execute(pool).await.unwrap();
    work(&store).await;
    sqlx::raw_sql(FILL).execute(pool).await.unwrap();
    let before = rows_and_entries_read(pool).await;
    work(&store).await;
    shut_down_to_report(&database, store).await;
    let looked = rows_and_entries_read(pool).await - before;
    assert!(looked < 10_000, "{looked} rows were looked at");
    // The control: a scan of the table is noticed.
    let mut scanner = PgConnection::connect(database.url()).await.unwrap();
    let scan = "select count(*) from events";
    let rows: i64 = sqlx::query_scalar(scan).fetch_one(&mut scanner).await.unwrap();
    scanner.close().await.unwrap();
    assert!(rows > ROWS);
    until(|| async { rows_and_entries_read(pool).await - before > ROWS }).await;
}
