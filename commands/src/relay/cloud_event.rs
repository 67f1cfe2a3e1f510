//! An event as it is published: CloudEvents 1.0 in the JSON format, the only mode that the
//! specification's binding for NATS defines. The body is complete: it can be stored, mirrored and
//! forwarded without its headers.
//!
//! `data` is the payload from the log, upcast to the current schema, so a consumer must know only
//! one form of each event; personal data in it is encrypted. Consumers rely on these fields: fields
//! are added, and never changed.

use chrono::{DateTime, Utc};
use event_store::RecordedEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

pub(super) const MEDIA_TYPE: &str = "application/cloudevents+json";

/// One event of the log, encoded as a CloudEvent and ready to be published to the broker.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BrokerMessage {
    /// The event's position in the log.
    pub(super) position: i64,
    /// Such as `cartulary.order.placed`.
    pub(super) subject: String,
    pub(super) body: String,
}

/// The attributes of the specification, of its extension for correlation, and two of this program.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    /// The event's position in the log, as text, since CloudEvents ids are text.
    id: String,
    /// The aggregate's kind, such as `/cartulary/order`.
    source: String,
    r#type: &'a str,
    /// The aggregate's id.
    subject: Uuid,
    time: DateTime<Utc>,
    datacontenttype: &'static str,
    /// The version of the schema of `data`.
    schemaversion: i16,
    /// The version of the aggregate after this event, from 1.
    streamversion: i32,
    /// The id of the command that started the chain of events this one belongs to.
    correlationid: Uuid,
    /// The position of the event that caused this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<String>,
    data: &'a RawValue,
}

/// Makes the message of an event. Its subject begins with `prefix`.
///
/// # Errors
/// The payload is not JSON, which the log does not accept.
pub(super) fn message(
    prefix: &str,
    event: &RecordedEvent,
) -> Result<BrokerMessage, serde_json::Error> {
    let cloud_event = CloudEvent {
        specversion: "1.0",
        id: event.position.to_string(),
        source: format!("/{prefix}/{}", event.stream_type),
        r#type: &event.event_type,
        subject: event.stream_id,
        time: event.recorded_at,
        datacontenttype: "application/json",
        schemaversion: event.schema_version,
        streamversion: event.version,
        correlationid: event.correlation_id,
        causationid: event.caused_by.map(|position| position.to_string()),
        data: serde_json::from_str(&event.payload)?,
    };
    Ok(BrokerMessage {
        position: event.position,
        subject: format!("{prefix}.{}", event.event_type),
        body: serde_json::to_string(&cloud_event)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_published_with_its_payload_untouched() {
        let event = RecordedEvent {
            position: 42,
            stream_type: "order".into(),
            stream_id: Uuid::from_u128(1),
            version: 7,
            event_type: "order.placed".into(),
            schema_version: 2,
            payload: r#"{"order.placed": {"total":1.50}}"#.to_owned(),
            command_id: None,
            request_hash: None,
            metadata: None,
            correlation_id: Uuid::from_u128(2),
            caused_by: Some(41),
            actor: "system:reactions".into(),
            recorded_at: DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap(),
        };
        let message = message("cartulary", &event).unwrap();
        assert_eq!((message.position, message.subject.as_str()), (42, "cartulary.order.placed"));
        assert_eq!(
            message.body,
            concat!(
                r#"{"specversion":"1.0","id":"42","source":"/cartulary/order","type":"order.placed","#,
                r#""subject":"00000000-0000-0000-0000-000000000001","#,
                r#""time":"2023-11-14T22:13:20.000001Z","datacontenttype":"application/json","#,
                r#""schemaversion":2,"streamversion":7,"#,
                r#""correlationid":"00000000-0000-0000-0000-000000000002","causationid":"41","#,
                r#""data":{"order.placed": {"total":1.50}}}"#
            )
        );
    }
}
