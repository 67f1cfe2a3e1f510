//! What people are told: as files, and by a real mail server.

mod access;
mod folder;
mod server;
mod smtp;

use serde_json::{Value, json};

use crate::cluster::{Client, until};
use crate::shop::stage::Stage;

/// What every test of a notification looks at.
const NOTIFICATION: &str = "id template channel status recipient customerId orderId nextAttemptAt
    sentAt abandonedBecause version attempts { at failure nextAttemptAt }";

impl Stage {
    /// What an order's buyer was told, as of now, the first first.
    async fn notifications(&self, who: &Client, order: &str) -> Vec<Value> {
        let query = format!(
            "query($order: ID!, $at: Position) {{ notifications(filter: {{ orderId: $order }},
                minPosition: $at) {{ nodes {{ {NOTIFICATION} }} }} }}"
        );
        let at = self.end().await.to_string();
        let seen = who.ask(&query, json!({"order": order, "at": at})).await;
        let mut nodes = seen["notifications"]["nodes"].as_array().unwrap().clone();
        nodes.reverse();
        nodes
    }

    /// Waits until the first message about an order is so.
    async fn first_message(&self, order: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let first = async || self.notifications(&self.desk, order).await.into_iter().next();
        until(what, async || first().await.as_ref().is_some_and(&so)).await;
        first().await.unwrap_or_default()
    }
}

/// The reasons why attempts failed.
fn failures(notification: &Value) -> Vec<String> {
    let attempts = notification["attempts"].as_array().unwrap();
    attempts.iter().filter_map(|attempt| Some(attempt["failure"].as_str()?.to_owned())).collect()
}
