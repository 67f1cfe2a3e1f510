//! Mail by a real mail server, which may also postpone, refuse, disconnect and stall.

use serde_json::{Value, json};

use super::failures;
use super::server::{MailServer, Security};
use crate::cluster::{Shop, key, until};
use crate::shop::stage::{Stage, text};

/// A shop that sells mugs, and retries messages soon.
async fn stage(server: &MailServer, backoff: &str) -> Stage {
    open(Shop::new().await, server, backoff).await
}

/// As [`stage`], with further variables set.
async fn open(shop: Shop, server: &MailServer, backoff: &str) -> Stage {
    let shop = shop
        .variable("SMTP_URL", &server.url())
        .variable("MAIL_FROM", "Mugs & more <shop@example.com>")
        .variable("CARTULARY_SHOP_NAME", "Mugs & more")
        .variable("CARTULARY_MAIL_BACKOFF", backoff)
        .variable("CARTULARY_MAIL_TIMEOUT", "1s");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 100).await;
    stage
}

fn is(status: &'static str) -> impl Fn(&Value) -> bool {
    move |seen| seen["status"] == status
}

fn has_failed(seen: &Value) -> bool {
    !failures(seen).is_empty()
}

#[tokio::test]
async fn a_message_arrives_as_text_and_as_html() {
    let Some(server) = MailServer::start().await else { return };
    let stage = stage(&server, "30s").await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let message = server.until_accepted(1).await.remove(0);
    assert_eq!(message["to"], json!(["ada@example.org"]));
    let headers = &message["headers"];
    assert_eq!(headers["To"], "Ada <ada@example.org>");
    assert_eq!(headers["From"], "Mugs & more <shop@example.com>");
    let seen = stage.first_message(&order, "it is sent", is("SENT")).await;
    let id = format!("<{}@example.com>", text(&seen["id"]));
    assert_eq!(headers["Message-ID"], id);
    let (plain, html) = (text(&message["text"]), text(&message["html"]));
    assert!(plain.contains("2 x A MUG: 49.98 USD") && plain.contains("Mugs & more"), "{plain}");
    assert!(html.contains("2 × A MUG") && html.contains("Mugs &amp; more"), "{html}");
}

async fn check_arrival_by_tls(security: Security) {
    let Some(server) = MailServer::secured(security).await else { return };
    let shop = Shop::new().await.variable("SSL_CERT_FILE", &server.authority());
    let stage = open(shop, &server, "30s").await;
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    assert_eq!(server.until_accepted(1).await[0]["to"], json!(["ada@example.org"]));
}

#[tokio::test]
async fn a_message_arrives_by_tls_from_the_first_byte() {
    check_arrival_by_tls(Security::Smtps).await;
}

#[tokio::test]
async fn a_message_arrives_by_starttls() {
    check_arrival_by_tls(Security::StartTls).await;
}

async fn check_unverified_server_gets_no_mail(security: Security) {
    let Some(server) = MailServer::secured(security).await else { return };
    let stage = stage(&server, "30s").await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let seen = stage.first_message(&order, "it is not sent", has_failed).await;
    assert_eq!(failures(&seen)[0], "the connection to the mail server failed");
    assert!(server.messages().is_empty());
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_gets_no_mail_by_tls() {
    check_unverified_server_gets_no_mail(Security::Smtps).await;
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_gets_no_mail_by_starttls() {
    check_unverified_server_gets_no_mail(Security::StartTls).await;
}

#[tokio::test]
async fn a_postponed_message_is_sent_later() {
    let Some(server) = MailServer::start().await else { return };
    server.behave("postpone");
    let stage = stage(&server, "100ms").await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let seen = stage.first_message(&order, "it is postponed", has_failed).await;
    assert_eq!(failures(&seen)[0], "the mail server answered 451 4.3.0");
    server.behave("accept");
    let seen = stage.first_message(&order, "it is sent", is("SENT")).await;
    assert_eq!(server.until_accepted(1).await.len(), 1);
    let attempts = seen["attempts"].as_array().unwrap();
    assert!(attempts.len() >= 2 && attempts.last().unwrap()["failure"].is_null(), "{seen:#}");
    assert!(attempts[0]["nextAttemptAt"].is_string(), "{seen:#}");
}

#[tokio::test]
async fn a_permanently_refused_message_is_abandoned_at_once_without_naming_anyone() {
    let Some(server) = MailServer::start().await else { return };
    server.behave("refuse");
    let stage = stage(&server, "30s").await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let seen = stage.first_message(&order, "it is given up", is("ABANDONED")).await;
    assert_eq!(failures(&seen), ["the mail server answered 550 5.1.1"]);
    assert_eq!(seen["abandonedBecause"], "the mail server answered 550 5.1.1");
    assert_eq!(seen["nextAttemptAt"], json!(null));
    assert!(!stage.node.log().contains("ada@example.org"));
}

#[tokio::test]
async fn a_message_that_always_fails_is_abandoned_after_six_attempts() {
    let Some(server) = MailServer::start().await else { return };
    server.behave("drop");
    let stage = stage(&server, "1ms").await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let seen = stage.first_message(&order, "it is given up", is("ABANDONED")).await;
    assert_eq!(failures(&seen), ["the connection to the mail server failed"; 6]);
    assert!(server.messages().is_empty());
    // The mail server runs again, and messages are sent again.
    server.behave("accept");
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    server.until_accepted(1).await;
}

#[tokio::test]
async fn a_mail_server_that_does_not_answer_delays_no_other_message() {
    let Some(server) = MailServer::start().await else { return };
    server.behave("stall");
    let stage = stage(&server, "100ms").await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let seen = stage.first_message(&order, "it is late", has_failed).await;
    assert_eq!(failures(&seen)[0], "the mailer did not answer in time");
    server.behave("accept");
    stage.until_sent(2).await;
    until("both have arrived", async || {
        let mut ids: Vec<_> = server
            .messages()
            .iter()
            .map(|message| text(&message["headers"]["Message-ID"]))
            .collect();
        ids.sort();
        ids.dedup();
        ids.len() == 2
    })
    .await;
}

#[tokio::test]
async fn no_message_is_lost_while_mail_server_and_shop_are_down() {
    let Some(mut server) = MailServer::start().await else { return };
    let stage = stage(&server, "200ms").await;
    server.kill().await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.first_message(&order, "the attempt fails", has_failed).await;
    let Stage { shop, node, .. } = stage;
    node.kill().await;
    server.start_again().await;
    let stage = Stage::of(shop).await;
    stage.first_message(&order, "it is sent", is("SENT")).await;
    assert_eq!(server.until_accepted(1).await.len(), 1);
    let cancel = json!({"orderId": order, "idempotencyKey": key()});
    stage.ada.done("orderCancel", "order { id }", cancel).await;
    assert_eq!(server.until_accepted(2).await.len(), 2);
}
