//! Messages to people, as files and by a real mail server.

mod access;
mod folder;
mod server;
mod smtp;

use serde_json::{Value, json};

use crate::cluster::{Client, until};
use crate::shop::stage::Stage;

/// The fields of a notification that the tests query.
const NOTIFICATION: &str = "id template channel status recipient customerId orderId nextAttemptAt
    sentAt abandonedBecause version attempts { at failure nextAttemptAt }";

impl Stage {
    /// The current notifications about an order, the first one first.
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

    /// Waits until the first message about an order satisfies the condition.
    async fn first_message(&self, order: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let first = async || self.notifications(&self.desk, order).await.into_iter().next();
        until(what, async || first().await.as_ref().is_some_and(&so)).await;
        first().await.unwrap_or_default()
    }
}

/// The reasons of the failed attempts.
fn failures(notification: &Value) -> Vec<String> {
    let attempts = notification["attempts"].as_array().unwrap();
    attempts.iter().filter_map(|attempt| Some(attempt["failure"].as_str()?.to_owned())).collect()
}
