//! Where the database is searched, and the message if there is none.

use event_store::MIGRATIONS;
use local_postgres::testing::{Scratch, cluster};
use sqlx::{Connection, PgConnection};

use crate::support::{Shop, run};

#[tokio::test]
async fn the_private_cluster_is_found_whether_or_not_it_runs() {
    let mut private = cluster().await;
    let mut connection = PgConnection::connect(private.url()).await.unwrap();
    MIGRATIONS.run(&mut connection).await.unwrap();
    let data_dir = private.data_dir().to_str().unwrap().to_owned();

    run(&["status", "--data-dir", &data_dir]).await.expect(0);
    sqlx::raw_sql("select").execute(&mut connection).await.expect("it was left running");
    connection.close().await.unwrap();

    private.stop().await;
    let offline = run(&["verify", "--data-dir", &data_dir]).await.expect(0);
    assert_eq!(offline.err, "", "stopping the server is nothing to warn of");
    let found = local_postgres::Cluster::find(private.data_dir()).unwrap();
    assert_eq!(found, None, "the last one out has stopped it");
}

#[tokio::test]
async fn a_directory_without_a_cluster_does_not_get_one() {
    let empty = Scratch::new();
    let answer = run(&["status", "--data-dir", empty.path().to_str().unwrap()]).await.expect(2);
    assert!(answer.err.contains("there is no private Postgres in"), "{}", answer.all());
    assert!(!empty.path().join("postgres").exists());
}

#[tokio::test]
async fn a_database_of_another_program_version_is_refused() {
    let shop = Shop::recorded().await;
    shop.sql("delete from _sqlx_migrations where version = 33").await;
    let answer = shop.run(&["verify"]).await.expect(2);
    assert!(answer.err.contains("`cartulary migrate`"), "{}", answer.all());
    shop.sql("update _sqlx_migrations set version = 9999 where version = 34").await;
    let answer = shop.run(&["rebuild", "--all"]).await.expect(2);
    assert!(answer.err.contains("newer program"), "{}", answer.all());
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_reported() {
    let url = "postgres://nobody:secret@127.0.0.1:1/none";
    let answer = run(&["status", "--database-url", url]).await.expect(2);
    assert!(answer.err.starts_with("replay-tool: the database cannot be reached"));
    assert!(!answer.err.contains("secret"), "{}", answer.all());
}
