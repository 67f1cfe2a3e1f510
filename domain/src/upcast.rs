//! Upcasters: they convert events of older schemas to the current ones, JSON to JSON, so that no
//! other code must know the older schemas.

use cqrs_es::persist::{EventUpcaster, SerializedEvent};
use serde_json::{Value, json};

/// All upcasters, in the order in which a reader of the log applies them.
pub fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
    vec![Box::new(PlacedWithoutTax), Box::new(CreatedForAWeek)]
}

/// `order.placed` 1 to 2: an older order has no tax and no coupon.
struct PlacedWithoutTax;

impl EventUpcaster for PlacedWithoutTax {
    fn can_upcast(&self, event_type: &str, event_version: &str) -> bool {
        event_type == "order.placed" && event_version == "1"
    }

    fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
        let placed = &mut event.payload["order.placed"];
        placed["tax"] = json!({"rate": 0, "mode": "EXCLUSIVE"});
        placed["coupon"] = Value::Null;
        let nothing = json!({"amount": 0, "currency": placed["totals"]["total"]["currency"]});
        placed["totals"]["shipping_tax"] = nothing;
        event.event_version = "2".to_owned();
        event
    }
}

/// `cart.created` 1 to 2: an older cart expires after a week without a change.
struct CreatedForAWeek;

impl EventUpcaster for CreatedForAWeek {
    fn can_upcast(&self, event_type: &str, event_version: &str) -> bool {
        event_type == "cart.created" && event_version == "1"
    }

    fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
        event.payload["cart.created"]["idle_seconds"] = json!(7 * 24 * 60 * 60);
        event.event_version = "2".to_owned();
        event
    }
}
