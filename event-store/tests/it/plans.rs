//! Appending stays a matter of index look-ups, however large the table has become.

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

/// Rows of the table and entries of its indexes that were looked at so far.
async fn looked_at(pool: &PgPool) -> i64 {
    let sql = "select (seq_tup_read + (select sum(idx_tup_read) from pg_stat_user_indexes
                                       where relname = 'events'))::bigint
               from pg_stat_user_tables where relname = 'events'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// A backend reports what it did when it ends.
async fn reported(database: &TestDatabase, store: EventStore) {
    within(store.shutdown()).await;
    let gone = "select not exists (select from pg_stat_activity
                where datname = current_database() and application_name = 'cartulary')";
    until(|| async { sqlx::query_scalar(gone).fetch_one(database.pool()).await.unwrap() }).await;
}

/// Clean batches, conflicts and duplicates alike.
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
    // Plans are made, and kept, while the table is a page that is quicker to scan.
    opened(&node(&database).await, id()).await;
    sqlx::raw_sql("analyze events").execute(pool).await.unwrap();
    work(&store).await;
    sqlx::raw_sql(FILL).execute(pool).await.unwrap();
    let before = looked_at(pool).await;
    work(&store).await;
    reported(&database, store).await;
    let looked = looked_at(pool).await - before;
    assert!(looked < 10_000, "{looked} rows were looked at");
    // The control: a scan of the table is noticed.
    let mut scanner = PgConnection::connect(database.url()).await.unwrap();
    let scan = "select count(*) from events";
    let rows: i64 = sqlx::query_scalar(scan).fetch_one(&mut scanner).await.unwrap();
    scanner.close().await.unwrap();
    assert!(rows > ROWS);
    until(|| async { looked_at(pool).await - before > ROWS }).await;
}
