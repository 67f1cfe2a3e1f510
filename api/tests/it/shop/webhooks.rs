//! Receiving the provider's webhooks: which are accepted, and when.

use axum::http::{Method, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use commands::payments::Signer;
use commands::{Bus, Context};
use domain::checkout::StartPayment;
use domain::payment::{CaptureMode, PaymentMethod};
use domain::{OrderId, PaymentId};
use event_store::EventStore;
use serde_json::json;
use uuid::Uuid;

use super::stage::Stage;
use crate::support::HOOK_SECRET;

fn signer() -> Signer {
    Signer::new(HOOK_SECRET.as_bytes())
}

/// The simulated provider's report of an authorisation of 49.98 USD.
pub(super) fn authorised(event: &str, payment: &str) -> String {
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

    pub(super) async fn deliver(&self, body: &str, at: DateTime<Utc>) -> StatusCode {
        self.webhook(body, Some(signer().sign(body.as_bytes(), at))).await
    }

    pub(super) async fn all_webhooks_received(&self) -> i64 {
        let pool = self.shop.database.as_ref().unwrap().pool();
        sqlx::query_scalar("select count(*) from inbox").fetch_one(pool).await.unwrap()
    }
}

#[tokio::test]
async fn a_webhook_without_the_providers_signature_is_not_stored() {
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
            StatusCode::BAD_REQUEST,
            "{signature:?}"
        );
    }
    assert_eq!((stage.all_webhooks_received().await, stage.head().await), (0, head));
    assert_eq!(stage.webhook(&body, Some(good)).await, StatusCode::OK);
    assert_eq!(stage.all_webhooks_received().await, 1);
}

/// Starts a payment with this id on another bus, since otherwise its id could not be known
/// beforehand.
pub(super) async fn start_elsewhere(stage: &Stage, order: &str, payment: Uuid) {
    let url = stage.shop.database.as_ref().unwrap().url();
    let store = EventStore::connect(url, event_store::StoreOptions::default()).await.unwrap();
    let start = StartPayment {
        order: OrderId(order.parse().unwrap()),
        payment: PaymentId(payment),
        method: PaymentMethod::Card,
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
