//! The server around the routes: sockets, CORS, webhooks, shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::config::Cors;
use api::server::Webhooks;
use axum::http::{HeaderValue, Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cluster::BOUND;
use crate::support::{Running, setup, start};

/// Sends raw bytes, and returns everything that the server sends until it closes the connection or
/// has answered.
pub(crate) async fn raw(server: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may close before it has read everything; its answer can still be read.
    stream.write_all(bytes).await.ok();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..read]);
        if answer.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_head_that_arrives_too_slowly_is_refused() {
    let mut setup = setup();
    setup.config.limits.header_timeout = Duration::from_millis(50);
    let server = setup.start().await;
    let answer = raw(&server, b"POST /graphql HTTP/1.1\r\nhost: a\r\nx-slow: ").await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    let silent = raw(&server, b"").await;
    assert_eq!(silent, "");
}

/// Sends one request; the connection stays open.
async fn asked_once(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    ask_again(&mut stream).await;
    stream
}

async fn ask_again(stream: &mut TcpStream) {
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && !answer.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{answer:?}");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
}

/// Reads until the server closes the connection.
async fn closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let end = tokio::time::timeout(BOUND, stream.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "the connection stays open");
}

#[tokio::test]
async fn an_idle_connection_outlives_a_head_that_has_begun() {
    let mut setup = setup();
    setup.config.limits.header_timeout = Duration::from_millis(20);
    setup.config.limits.idle_timeout = 2 * BOUND;
    let server = setup.start().await;
    let mut idle = asked_once(&server).await;
    let mut slow = asked_once(&server).await;
    slow.write_all(b"GET /health/live HTTP/1.1\r\nx-slow: ").await.unwrap();
    closed(slow).await;
    // Longer than the time limit for a head.
    closed(TcpStream::connect(server.address).await.unwrap()).await;
    ask_again(&mut idle).await;
    ask_again(&mut idle).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time_limit() {
    let mut setup = setup();
    setup.config.limits.idle_timeout = Duration::from_millis(20);
    let server = setup.start().await;
    closed(asked_once(&server).await).await;
}

#[tokio::test]
async fn an_unknown_path_is_answered_in_json() {
    let server = start().await;
    let answer = server.get("/nothing").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "NOT_FOUND".into()));
}

#[tokio::test]
async fn a_webhook_handler_receives_the_exact_bytes() {
    let received = Arc::new(AtomicUsize::new(0));
    let count = received.clone();
    let mut setup = setup();
    setup.webhooks = Webhooks::default().on("simulator", move |headers, body| {
        let signed = headers.contains_key("x-signature");
        count.store(body.len(), Ordering::SeqCst);
        async move { if signed { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED } }
    });
    let server = setup.start().await;
    let post = async |headers: &[(&str, &str)], length: usize| {
        server
            .request(Method::POST, "/webhooks/simulator", headers, vec![b'x'; length])
            .await
            .status
    };
    assert_eq!(post(&[("x-signature", "s")], 256 * 1024).await, StatusCode::NO_CONTENT);
    assert_eq!(received.load(Ordering::SeqCst), 256 * 1024);
    assert_eq!(post(&[], 1).await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&[("x-signature", "s")], 256 * 1024 + 1).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(server.get("/webhooks/simulator").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(server.get("/webhooks/stripe").await.status, StatusCode::NOT_FOUND);
}

/// Whether a page of this origin may send the requests of the shop's clients.
async fn may_call(server: &Running, origin: &str) -> bool {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-cart-token"),
    ];
    let answer = server.request(Method::OPTIONS, "/graphql", &headers, "").await;
    answer.header("access-control-allow-origin") == origin
        && answer.header("access-control-allow-headers").contains("x-cart-token")
}

#[tokio::test]
async fn only_configured_origins_may_call() {
    let server = start().await;
    assert!(may_call(&server, "http://localhost:3000").await);
    assert!(!may_call(&server, "https://evil.example").await);

    let mut setup_ = setup();
    setup_.config.cors = Cors::Origins(vec![HeaderValue::from_static("https://shop.example")]);
    let server = setup_.start().await;
    assert!(may_call(&server, "https://shop.example").await);
    assert!(!may_call(&server, "http://localhost:3000").await);

    let mut setup_ = setup();
    setup_.config.cors = Cors::None;
    let server = setup_.start().await;
    assert!(!may_call(&server, "http://localhost:3000").await);
}

#[tokio::test]
async fn a_running_request_is_answered_while_the_server_stops() {
    let mut server = start().await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let body = r#"{"query":"{ products }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    write.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    server.gate.arrival().await;
    server.stop();
    // A refused connection shows that the server accepts no more; before that, another connection
    // may be accepted.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.gate.open(1);
    let mut answer = String::new();
    read.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"data":{"products":true}}"#),
        "{answer}"
    );
    server.task.await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_finish_is_ended_after_the_time_limit() {
    let mut setup = setup();
    setup.config.limits.shutdown_timeout = Duration::from_millis(50);
    let mut server = setup.start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let query = b"GET /graphql?query=%7Bproducts%7D HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(query).await.unwrap();
    server.gate.arrival().await;
    server.stop();
    (&mut server.task).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok();
    assert_eq!(answer, "");
}
