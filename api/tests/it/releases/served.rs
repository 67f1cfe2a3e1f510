//! A restored shop, migrated and served by this program.

use chrono::Utc;
use serde_json::{Value, json};

use super::restore::Release;
use crate::cluster::{Client, Node, Shop, until};

pub(super) struct RestoredShop {
    pub(super) release: Release,
    pub(super) shop: Shop,
    pub(super) node: Node,
}

impl RestoredShop {
    pub(super) async fn start(release: &str) -> RestoredShop {
        let release = Release::read(release);
        let shop = Shop::with(release.restore().await)
            // The same setting as when the dump was made, so that estimates are the same.
            .variable("CARTULARY_TAX_RATES", "US=10.75,DE=19,*=0")
            .variable("CARTULARY_SHIPPING", "USD=644:10000,EUR=499")
            // A silent payment provider is called again once, and then not again during the test.
            .variable("CARTULARY_PAYMENT_RETRY", "1h");
        let node = shop.start().await;
        let served = RestoredShop { release, shop, node };
        served.until_due_work_is_done().await;
        served
    }

    /// Waits until everything is done that was due when the shop was dumped, or became due since,
    /// so that answers do not depend on the time of the test.
    async fn until_due_work_is_done(&self) {
        let waiting = "
            select coalesce(string_agg(what, '; '), '') from (
                select 'lease ' || name as what from leases
                where (name = 'reactions' or name like 'projection:%')
                  and position < (select max(position) from events)
                union all select 'deadline ' || kind from deadlines where due_at <= now()
                union all select 'cart ' || id from carts where expires_at <= now()
                union all select 'webhook ' || id from simulator.webhooks where due_at <= now()
                union all select 'inbox ' || event_id from inbox where processed_at is null
                union all select 'mail ' || id from notifications where status ilike 'pending'
            ) as waiting";
        let pool = self.shop.database.as_ref().unwrap().pool();
        until("everything that was due has happened", async || {
            let waiting: String = sqlx::query_scalar(waiting).fetch_one(pool).await.unwrap();
            let order = json!({"id": self.release.shop["orders"]["lapsed"]});
            let lapsed = "query($id: ID!) { order(id: $id) { status } }";
            let lapsed = self.node.support().ask(lapsed, order).await;
            waiting.is_empty() && lapsed["order"]["status"] == "EXPIRED"
        })
        .await;
    }

    /// The client of a caller, which is given by kind and name, as in `keys.json` and
    /// `questions.json`.
    pub(super) fn caller(&self, caller: &Value) -> Client {
        let name = caller[1].as_str().unwrap();
        match caller[0].as_str().unwrap() {
            "stranger" => self.node.stranger(),
            "guest" => self.node.guest(self.release.shop["tokens"][name].as_str().unwrap_or(name)),
            "customer" => self.node.customer(name),
            "support" => self.node.support(),
            "admin" => self.node.admin(),
            other => panic!("there is no caller {other}"),
        }
    }

    /// Replaces values that depend on the time of the test (times since the dump, positions after
    /// its end, and new ids), and the messages of errors.
    pub(super) fn settled(&self, value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let settled = fields.into_iter().map(|(name, value)| {
                    let is_position = name == "position" || name == "causedBy";
                    let value = match value.as_str().map(str::parse::<i64>) {
                        // The wording of errors may change; their codes may not.
                        _ if name == "message" => json!("<for people>"),
                        Some(Ok(position)) if is_position && position > self.release.head() => {
                            json!("<after the dump>")
                        }
                        _ => self.settled(value),
                    };
                    (name, value)
                });
                settled.collect()
            }
            Value::Array(items) => items.into_iter().map(|item| self.settled(item)).collect(),
            Value::String(text) => Value::String(self.settled_text(text)),
            other => other,
        }
    }

    fn settled_text(&self, text: String) -> String {
        let dumped_at = self.release.shop["dumpedAt"].as_str().unwrap();
        let dumped_at = chrono::DateTime::parse_from_rfc3339(dumped_at).unwrap();
        let is_recent = |at: chrono::DateTime<_>| {
            // Times in the far future are deadlines of the dump.
            at > dumped_at && at < Utc::now() + chrono::TimeDelta::hours(2)
        };
        if chrono::DateTime::parse_from_rfc3339(&text).is_ok_and(is_recent) {
            return "<after the dump>".to_owned();
        }
        if uuid::Uuid::parse_str(&text).is_ok() && !self.release.sql.contains(&text) {
            return "<a new id>".to_owned();
        }
        text
    }
}
