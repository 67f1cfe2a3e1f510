//! Requests that earlier releases have answered are sent again: a key has one effect across
//! upgrades.

use serde_json::{Value, json};

use super::restore::RELEASES;
use super::served::RestoredShop;
use crate::shop::stage::{refusal, with};

impl RestoredShop {
    async fn events(&self) -> i64 {
        let pool = self.shop.database.as_ref().unwrap().pool();
        sqlx::query_scalar("select max(position) from events").fetch_one(pool).await.unwrap()
    }

    async fn send(&self, sent: &Value, input: &Value) -> Value {
        let mutation = sent["mutation"].as_str().unwrap();
        self.caller(&sent["caller"]).mutate(mutation, "", input.clone()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_after_an_upgrade_is_replayed() {
    for release in RELEASES {
        let served = RestoredShop::start(release).await;
        let before = served.events().await;
        let keys = served.release.json("keys.json");
        let keys = keys.as_array().unwrap();
        assert!(keys.len() > 100, "{}", keys.len());
        for sent in keys {
            let again = served.send(sent, &sent["input"]).await;
            let expected = json!([[], sent["position"], true]);
            assert_eq!(
                json!([again["errors"], again["position"], again["replayed"]]),
                expected,
                "{sent:#}"
            );
        }
        for sent in keys.iter().filter(|sent| sent["other"].is_object()) {
            let other = with(sent["input"].clone(), sent["other"].clone());
            let refused = refusal(&served.send(sent, &other).await);
            let expected = ("IDEMPOTENCY_KEY_REUSED".to_owned(), "input.idempotencyKey".to_owned());
            assert_eq!(refused, expected, "{sent:#}");
        }
        assert_eq!(served.events().await, before, "nothing was done twice");
    }
}
