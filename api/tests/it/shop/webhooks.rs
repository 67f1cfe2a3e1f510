//! The provider's webhooks at the door: whose are taken, and when.

use axum::http::{Method, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use commands::payments::Signer;
use commands::{Bus, Context};
use domain::checkout::StartPayment;
use domain::payment::{CaptureMode, Method as Means};
use domain::{OrderId, PaymentId};
use event_store::EventStore;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::Stage;
use crate::cluster::until;
use crate::support::setup;

fn signer() -> Signer {
    Signer::new(setup().config.secrets.simulator_webhook.expose_bytes())
}

/// A report of the simulated provider on an authorisation of 49.98 USD.
fn authorised(event: &str, payment: &str) -> String {
    let intent = format!("pi_{}", payment.replace('-', ""));
    let data = json!({"type": "intent.authorized", "intent": intent, "payment_id": payment,
        "amount": {"amount": 4_998, "currency": "USD"}, "object": null, "request": null,
        "reason": null});
    json!({"id": event, "data": data}).to_string()
}

impl Stage {
    async fn webhook(&self, body: &str, signature: Option<String>) -> StatusCode {
        let signature = signature.unwrap_or_default();
        let headers = [("content-type", "application/json"), ("simulator-signature", &*signature)];
        let path = "/webhooks/simulator";
        let sent = self.node.stranger().send(Method::POST, path, &headers, body.to_owned()).await;
        sent.unwrap().status
    }

    async fn deliver(&self, body: &str, at: DateTime<Utc>) -> StatusCode {
        self.webhook(body, Some(signer().sign(body.as_bytes(), at))).await
    }

    /// Of the inbox: how many events of this id there are, and how many of them are processed.
    async fn letters(&self, event: &str) -> (i64, i64) {
        let query = "select count(*), count(processed_at) from inbox where event_id = $1";
        let pool = self.shop.database.as_ref().unwrap().pool();
        sqlx::query_as(query).bind(event).fetch_one(pool).await.unwrap()
    }

    async fn all_letters(&self) -> i64 {
        let pool = self.shop.database.as_ref().unwrap().pool();
        sqlx::query_scalar("select count(*) from inbox").fetch_one(pool).await.unwrap()
    }
}

#[tokio::test]
async fn what_is_not_signed_by_the_provider_is_not_stored() {
    let stage = Stage::with_mugs().await;
    let body = authorised("evt_forged", &Uuid::now_v7().to_string());
    let (now, old) = (Utc::now(), Utc::now() - TimeDelta::minutes(6));
    let another = Signer::new(b"another secret of more than thirty-two bytes");
    let good = signer().sign(body.as_bytes(), now);
    let rows = [
        (&*body, None),
        (&body, Some("garbage".to_owned())),
        (&body, Some(another.sign(body.as_bytes(), now))),
        (&body, Some(signer().sign(b"another body", now))),
        (&body, Some(signer().sign(body.as_bytes(), old))),
        ("no JSON", Some(signer().sign(b"no JSON", now))),
    ];
    let head = stage.head().await;
    for (body, signature) in rows {
        assert_eq!(
            stage.webhook(body, signature.clone()).await,
            StatusCode::UNAUTHORIZED,
            "{signature:?}"
        );
    }
    assert_eq!((stage.all_letters().await, stage.head().await), (0, head));
    assert_eq!(stage.webhook(&body, Some(good)).await, StatusCode::OK);
    assert_eq!(stage.all_letters().await, 1);
}

#[tokio::test]
async fn the_same_webhook_twice_has_one_effect() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let (head, letters) = (stage.head().await, stage.all_letters().await);
    let body = authorised("evt_again", &payment);
    for _ in 0..2 {
        assert_eq!(stage.deliver(&body, Utc::now()).await, StatusCode::OK);
    }
    until("the webhook is processed", async || stage.letters("evt_again").await == (1, 1)).await;
    assert_eq!(stage.all_letters().await, letters + 1);
    assert_eq!(stage.head().await, head, "it was known already");
    stage.stands(&order, ["PAID", "AUTHORIZED", "UNFULFILLED"]).await;
}

/// Another node starts the payment, since only who starts one can know its id beforehand.
async fn start_elsewhere(stage: &Stage, order: &str, payment: Uuid) {
    let url = stage.shop.database.as_ref().unwrap().url();
    let store = EventStore::connect(url, event_store::Options::default()).await.unwrap();
    let start = StartPayment {
        order: OrderId(order.parse().unwrap()),
        payment: PaymentId(payment),
        method: Means::Card,
        capture: CaptureMode::Manual,
        source: "tok_timeout".to_owned(),
        reserve_for: TimeDelta::minutes(15),
        reserve_at_most: TimeDelta::minutes(60),
    };
    let bus = Bus::new(store.clone(), 100);
    bus.execute(start, Context::once("system:test")).await.unwrap();
    bus.shutdown().await;
    store.shutdown().await;
}

#[tokio::test]
async fn a_webhook_that_comes_before_its_payment_is_kept_and_applied() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = Uuid::now_v7();
    let body = authorised("evt_early", &payment.to_string());
    assert_eq!(stage.deliver(&body, Utc::now()).await, StatusCode::OK);
    until("it was looked at in vain", async || {
        let query = "select problem from inbox where event_id = 'evt_early'";
        let pool = stage.shop.database.as_ref().unwrap().pool();
        let problem: Option<String> = sqlx::query_scalar(query).fetch_one(pool).await.unwrap();
        problem.is_some()
    })
    .await;
    assert_eq!(stage.letters("evt_early").await, (1, 0));
    stage.stands(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;

    start_elsewhere(&stage, &order, payment).await;
    stage.becomes(&order, ["PAID", "AUTHORIZED"]).await;
    until("it is processed", async || stage.letters("evt_early").await == (1, 1)).await;
    // The provider, asked again because it had not answered, may have said so once more since.
    let query = "query($id: ID!) { history(kind: PAYMENT, id: $id) { nodes { type actor } } }";
    let seen: Value = stage.desk.ask(query, json!({"id": payment})).await;
    let events = seen["history"]["nodes"].as_array().unwrap();
    let told = events.iter().find(|event| event["type"] == "payment.authorized").unwrap();
    assert_eq!(told["actor"], "system:inbox", "{seen:#}");
}
