//! Stripe's events. They say where to look; what happened is fetched, since an event may be older than
//! what it is about, and than our version of the API.

use domain::payment::Fact;
use serde::Deserialize;
use serde_json::Value;

use super::answers::money;
use crate::payments::{Gibberish, ProviderError};

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    /// Of any kind: what is read of it depends on the event's.
    object: Value,
}

impl Event {
    pub(super) fn parse(body: &[u8]) -> Result<Event, Gibberish> {
        serde_json::from_slice(body).map_err(|error| Gibberish(error.to_string()))
    }

    /// The intent to look at; nothing, when the event is about something else.
    pub(super) fn intent(&self) -> Option<&str> {
        match self.kind.split('.').next() {
            Some("payment_intent") => self.text("id"),
            Some("charge" | "refund") => self.text("payment_intent"),
            _ => None,
        }
    }

    /// What the event says about a dispute. This is believed as it stands: of a dispute only its
    /// beginning and its end count, in whichever order they are heard. An inquiry (`warning_…`) holds no
    /// money back, and is none.
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
