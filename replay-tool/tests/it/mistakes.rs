//! A person's mistakes end in one sentence that says what to do.

use std::time::{Duration, Instant};

use local_postgres::testing::Scratch;

use crate::support::{RunOutput, Shop, delivered, run, shell};

/// The only line on standard error, without the name of the program.
fn sentence(answer: &RunOutput) -> &str {
    let line = answer.err.strip_prefix("replay-tool: ").and_then(|text| text.strip_suffix('\n'));
    let line = line.unwrap_or_else(|| panic!("{}", answer.all()));
    assert!(!line.contains('\n') && !line.contains("Error"), "{}", answer.all());
    line
}

#[tokio::test]
async fn a_closed_port_is_named_within_three_seconds() {
    let began = Instant::now();
    let url = "postgres://nobody:secret@127.0.0.1:1/none";
    let answer = run(&["status", "--database-url", url]).await.expect(2);
    assert_eq!(
        sentence(&answer),
        "the database cannot be reached: no PostgreSQL server answers at 127.0.0.1:1 (Connection \
         refused); start it, or correct the host and the port in the database URL"
    );
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_reported_within_seconds() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let began = Instant::now();
    let url = format!("postgres://nobody@{address}/none");
    let answer = run(&["status", "--database-url", &url]).await.expect(2);
    let expected = format!("no PostgreSQL server answers at {address} (no answer within 3 s)");
    assert!(sentence(&answer).contains(&expected), "{}", answer.all());
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_url_of_another_database_is_refused() {
    let answer = run(&["status", "--database-url", "mysql://root:secret@localhost/x"]).await;
    let answer = answer.expect(2);
    assert!(sentence(&answer).contains("must begin with postgres://"), "{}", answer.all());
    assert!(!answer.err.contains("secret"), "{}", answer.all());
}

#[tokio::test]
async fn a_database_that_the_server_does_not_have_is_named() {
    let shop = Shop::recorded().await;
    let (url, socket) = shop.database.url().split_once('?').unwrap();
    let url = format!("{}/nowhere?{socket}", url.rsplit_once('/').unwrap().0);
    let answer = run(&["status", "--database-url", &url]).await.expect(2);
    assert!(sentence(&answer).contains("database \"nowhere\" does not exist"), "{}", answer.all());
    assert!(sentence(&answer).ends_with("in the database URL"), "{}", answer.all());
}

#[tokio::test]
async fn a_data_directory_that_does_not_exist_is_named() {
    let scratch = Scratch::new();
    let missing = scratch.path().join("missing");
    let answer = run(&["status", "--data-dir", missing.to_str().unwrap()]).await.expect(2);
    assert!(sentence(&answer).contains(missing.to_str().unwrap()), "{}", answer.all());
    assert!(sentence(&answer).contains("--data-dir"), "{}", answer.all());
}

#[tokio::test]
async fn an_unknown_read_model_is_answered_with_those_that_exist() {
    let answer = run(&["rebuild", "order"]).await.expect(2);
    assert!(answer.err.contains("'order'") && answer.err.contains("orders"), "{}", answer.all());
    assert!(answer.err.lines().count() <= 6, "{}", answer.all());
}

#[tokio::test]
async fn a_rebuild_of_nothing_is_answered_with_the_choice() {
    let answer = run(&["rebuild"]).await.expect(2);
    assert!(answer.err.contains("<NAME|--all>"), "{}", answer.all());
}

#[tokio::test]
async fn a_stream_that_cannot_be_found_is_explained() {
    let shop = Shop::projected().await;
    for (kind, id, code, expected) in [
        (
            "order",
            "99999",
            1,
            "there is no order '99999' in the read model 'orders': check the number, or give the \
             order's UUID",
        ),
        ("payment", "10001", 2, "'10001' is no UUID: a payment can only be found by its UUID"),
        (
            "product",
            "not a sku",
            2,
            "'not a sku' is neither a UUID nor a SKU: give the one or the other",
        ),
    ] {
        let answer = shop.run(&["history", kind, id]).await.expect(code);
        assert_eq!(sentence(&answer), expected);
    }
}

#[tokio::test]
async fn output_that_is_closed_early_is_not_a_failure() {
    let shop = Shop::projected().await;
    let mug: domain::Sku = "MUG".parse().unwrap();
    for _ in 0..3 {
        shop.record(mug.inventory(), vec![delivered(9).into(); 500]).await;
    }
    for json in ["", "--json"] {
        let history =
            format!("history inventory MUG {json} --database-url {}", shop.database.url());
        let answer = shell(&format!("\"$TOOL\" {history} | head -n 1")).await.expect(0);
        assert_eq!(answer.out.lines().count(), 1, "{}", answer.all());
        assert_eq!(answer.err, "");
    }
}
