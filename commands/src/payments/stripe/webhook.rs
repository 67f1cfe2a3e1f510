//! Stripe's events. An event only says which intent has changed. The intent itself is fetched,
//! because the event may be older than the intent's current state, and may have the form of another
//! API version.

use domain::payment::Fact;
use serde::Deserialize;
use serde_json::Value;

use super::objects::money;
use crate::payments::{MalformedWebhook, ProviderError};

#[derive(Debug, Deserialize)]
pub(super) struct StripeEvent {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: String,
    data: EventData,
}

#[derive(Debug, Deserialize)]
struct EventData {
    /// An object of any kind; the event's kind says which fields it has.
    object: Value,
}

impl StripeEvent {
    pub(super) fn parse(body: &[u8]) -> Result<StripeEvent, MalformedWebhook> {
        serde_json::from_slice(body).map_err(|error| MalformedWebhook(error.to_string()))
    }

    /// The intent that the event is about; `None` if it is about something else.
    pub(super) fn intent(&self) -> Option<&str> {
        match self.kind.split('.').next() {
            Some("payment_intent") => self.text("id"),
            Some("charge" | "refund") => self.text("payment_intent"),
            _ => None,
        }
    }

    /// The fact about a dispute, read from the event itself: only the beginning and the end of a
    /// dispute matter, in whichever order they arrive. An inquiry (`warning_…`) holds no money
    /// back, so it is not a dispute.
    pub(super) fn dispute(&self) -> Result<Option<Fact>, ProviderError> {
        if !self.kind.starts_with("charge.dispute.") {
            return Ok(None);
        }
        let object = self.text("id").unwrap_or_default().to_owned();
        Ok(match self.text("status") {
            Some("needs_response" | "under_review") => {
                let amount = self.data.object["amount"].as_i64().unwrap_or_default();
                let amount = money(amount, self.text("currency").unwrap_or_default())?;
                Some(Fact::DisputeOpened { object, amount })
            }
            Some("won") => Some(Fact::DisputeWon { object }),
            Some("lost") => Some(Fact::DisputeLost { object }),
            _ => None,
        })
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.data.object[field].as_str()
    }
}
