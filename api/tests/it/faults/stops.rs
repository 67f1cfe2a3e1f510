//! The program stops, by a signal or by a crash, and starts again with its data.

use axum::http::StatusCode;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{delivery, figures, position, sell, units};
use crate::cluster::{Client, Node, Shop, until};

/// Holds the log's lock on a separate connection, so that requests stay unanswered.
struct LogLock(PgConnection);

impl LogLock {
    async fn hold(shop: &Shop) -> LogLock {
        let mut connection = PgConnection::connect(shop.url()).await.unwrap();
        sqlx::raw_sql("begin; select lock_log()").execute(&mut connection).await.unwrap();
        LogLock(connection)
    }

    async fn until_an_append_waits(&self, shop: &Shop) {
        let sql = "select exists (select from pg_locks l join pg_database d on d.oid = l.database
                   where d.datname = current_database() and locktype = 'advisory' and not granted)";
        let pool = shop.database.as_ref().unwrap().pool();
        until("an append waits for the lock", async || {
            sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
        })
        .await;
    }

    async fn release(mut self) {
        sqlx::raw_sql("rollback").execute(&mut self.0).await.unwrap();
    }
}

/// Sends a request that adds a mug to the caller's cart, and waits until the server has begun to
/// handle it: until it has asked for the body.
async fn send_unanswered_request(buyer: &Client) -> TcpStream {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let body = json!({
        "query": "mutation($input: CartLinesAddInput!) { cartLinesAdd(input: $input) { position } }",
        "variables": {"input": units("MUG", 1)},
    });
    let body = body.to_string();
    let mut head = "POST /graphql HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n".to_owned();
    head += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in &buyer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let mut connection = TcpStream::connect(buyer.address).await.unwrap();
    connection.write_all((head + "\r\n").as_bytes()).await.unwrap();
    let mut asked = [0; CONTINUE.len()];
    connection.read_exact(&mut asked).await.unwrap();
    assert_eq!(asked, CONTINUE);
    connection.write_all(body.as_bytes()).await.unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn running_requests_are_answered_before_the_server_stops() {
    let shop = Shop::new().await.variable("CARTULARY_EXECUTION_TIMEOUT", "30s");
    let node = shop.start().await;
    sell(&node, "MUG", 10).await;
    let log_lock = LogLock::hold(&shop).await;
    let mut asking = Vec::new();
    for n in 0..20 {
        asking.push(send_unanswered_request(&node.customer(&format!("buyer {n}"))).await);
    }
    log_lock.until_an_append_waits(&shop).await;
    node.signal(Signal::SIGTERM);
    until("no new connection is accepted", async || {
        TcpStream::connect(node.address()).await.is_err()
    })
    .await;
    log_lock.release().await;
    let mut last = 0;
    for mut connection in asking {
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let body = answer.split("\r\n\r\n").last().unwrap();
        let Ok(body) = serde_json::from_str::<Value>(body) else { panic!("no answer: {answer:?}") };
        last = last.max(position(&body["data"]["cartLinesAdd"]));
    }
    assert_eq!(node.end().await.code(), Some(0));

    let node = shop.start().await;
    let query = "query($at: Position) { cart(minPosition: $at) { itemCount } }";
    for n in 0..20 {
        let buyer = node.customer(&format!("buyer {n}"));
        let data = buyer.ask(query, json!({"at": last.to_string()})).await;
        assert_eq!(data["cart"]["itemCount"], 1);
    }
}

async fn deliver(node: &Node, units: i64) -> i64 {
    let input = delivery("MUG", units);
    position(&node.admin().done("inventoryAdjust", "inventoryItem { sku }", input).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_cluster_keeps_its_data_after_ctrl_c_and_kill() {
    let shop = Shop::private();
    let node = shop.start().await;
    sell(&node, "MUG", 10).await;
    let at = deliver(&node, 5).await;
    node.signal(Signal::SIGINT);
    assert_eq!(node.end().await.code(), Some(0));

    let node = shop.start().await;
    check_figures_at(&node, at, (15, 0)).await;
    let at = deliver(&node, 7).await;
    node.kill().await;

    let node = shop.start().await;
    check_figures_at(&node, at, (22, 0)).await;
    deliver(&node, 1).await;
}

/// Waits until the read model has reached this position, and checks its figures.
async fn check_figures_at(node: &Node, at: i64, expected: (i64, i64)) {
    until("the read models have caught up", async || {
        figures(&node.admin(), "MUG", at).await.is_ok_and(|figures| figures == expected)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_log_blocks_no_request_and_is_complete_at_the_end() {
    const REQUESTS: usize = 1_000;
    let shop = Shop::new().await;
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let node = shop.start_with_delayed_stderr(async { drop(released.await) }).await;
    // Far more output than a pipe can hold.
    for _ in 0..REQUESTS {
        let answer = node.stranger().get("/nothing").await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(node.log().matches("path=").count(), 0);
    node.signal(Signal::SIGTERM);
    drop(release);
    until("the last line is written", async || node.log().contains("stopped serving")).await;
    assert_eq!(node.log().matches("path=\"/nothing\"").count(), REQUESTS);
    assert_eq!(node.end().await.code(), Some(0));
}
