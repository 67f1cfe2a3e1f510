//! Upcasting: whenever an old event is read, its JSON is converted to the current schema.

use cqrs_es::persist::{EventUpcaster, SerializedEvent};
use serde_json::Value;

use crate::{RecordedEvent, StoreError};

/// Applies every upcaster that matches the event, in order.
pub(crate) fn upcast(
    upcasters: &[Box<dyn EventUpcaster>],
    mut event: RecordedEvent,
) -> Result<RecordedEvent, StoreError> {
    for upcaster in upcasters {
        if upcaster.can_upcast(&event.event_type, &event.schema_version.to_string()) {
            event = lift(upcaster.as_ref(), event)?;
        }
    }
    Ok(event)
}

fn lift(
    upcaster: &dyn EventUpcaster,
    mut event: RecordedEvent,
) -> Result<RecordedEvent, StoreError> {
    let error = |reason: String| StoreError::Upcast { position: event.position, reason };
    let payload = serde_json::from_str(&event.payload).map_err(|e| error(e.to_string()))?;
    let lifted = upcaster.upcast(SerializedEvent::new(
        event.stream_id.to_string(),
        usize::try_from(event.version).unwrap_or_default(),
        event.stream_type.to_string(),
        event.event_type.to_string(),
        event.schema_version.to_string(),
        payload,
        Value::Null,
    ));
    let version = schema_version(&lifted.event_version).ok_or_else(|| {
        error(format!("its schema version is '{}', which is not a number", lifted.event_version))
    })?;
    event.schema_version = version;
    event.event_type = lifted.event_type.into();
    event.payload = lifted.payload.to_string();
    Ok(event)
}

/// The major number of a version such as `2` or `2.0.0`.
pub(crate) fn schema_version(version: &str) -> Option<i16> {
    version.split('.').next()?.parse().ok()
}
