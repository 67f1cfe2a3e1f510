//! Traces: they connect a request with its commands, and these with the reactions to their events,
//! across processes and restarts.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use serde::Deserialize;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of every span. Spans have the level `debug`, so the log's filter leaves them out, and
/// they cost nothing unless a collector is configured.
pub const SPANS: &str = "cartulary::spans";

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    pub id: TraceId,
    /// The span that is the parent of the next ones; `None` if no collector is configured.
    parent: Option<SpanId>,
    flags: TraceFlags,
}

impl Trace {
    /// A new trace.
    pub fn random() -> Trace {
        let id = TraceId::from_bytes(rand::random());
        Trace { id, parent: None, flags: TraceFlags::SAMPLED }
    }

    /// The place that a span of this or another process has in its trace; `None` if it is not
    /// valid.
    pub fn from_span(span: &SpanContext) -> Option<Trace> {
        span.is_valid().then(|| Trace {
            id: span.trace_id(),
            parent: Some(span.span_id()),
            flags: span.trace_flags(),
        })
    }

    /// Puts a new span into the trace `from`. Without a trace the span becomes a child of the
    /// current span, or starts a trace. Returns the span's place, or `from` if no collector is
    /// configured.
    pub fn enter(span: &Span, from: Option<Trace>) -> Option<Trace> {
        if span.is_disabled() {
            return from;
        }
        if let Some(from) = from {
            // This fails if spans are logged but not collected; then the span has no place in the
            // trace.
            let _ = span.set_parent(Context::new().with_remote_span_context(from.remote()));
        }
        Trace::from_span(span.context().span().span_context()).or(from)
    }

    /// The parent of the next span. If no span of the trace was collected so far, half of the
    /// trace's id serves as the parent's id.
    fn remote(self) -> SpanContext {
        let half: [u8; 8] = std::array::from_fn(|n| self.id.to_bytes()[n]);
        let parent = self.parent.unwrap_or(SpanId::from_bytes(half));
        SpanContext::new(self.id, parent, self.flags, true, TraceState::NONE)
    }

    fn collected(self) -> Option<SpanId> {
        self.parent.filter(|_| self.flags.is_sampled())
    }
}

/// The metadata that the log stores with the first event of a command: JSON with the command's
/// name, which needs no escaping, the trace, and the command's span if it was collected.
pub(crate) fn metadata(command: &'static str, trace: Option<Trace>) -> String {
    match trace.map(|trace| (trace.id, trace.collected())) {
        None => format!(r#"{{"command":"{command}"}}"#),
        Some((id, None)) => format!(r#"{{"command":"{command}","trace_id":"{id}"}}"#),
        Some((id, Some(span))) => {
            format!(r#"{{"command":"{command}","trace_id":"{id}","span_id":"{span}"}}"#)
        }
    }
}

/// The trace in a command's metadata, if there is one.
pub(crate) fn from_metadata(metadata: &str) -> Option<Trace> {
    #[derive(Deserialize)]
    struct Stored<'a> {
        trace_id: Option<&'a str>,
        span_id: Option<&'a str>,
    }

    let stored: Stored<'_> = serde_json::from_str(metadata).ok()?;
    let id = TraceId::from_hex(stored.trace_id?).ok()?;
    let parent = stored.span_id.and_then(|span| SpanId::from_hex(span).ok());
    (id != TraceId::INVALID).then_some(Trace { id, parent, flags: TraceFlags::SAMPLED })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_the_trace_and_the_span_that_was_collected() {
        let (id, span) = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]));
        let place =
            |flags| Trace::from_span(&SpanContext::new(id, span, flags, true, TraceState::NONE));
        let collected = metadata("orderPlace", place(TraceFlags::SAMPLED));
        let (id, span) = ("07".repeat(16), "09".repeat(8));
        let whole = format!(r#"{{"command":"orderPlace","trace_id":"{id}","span_id":"{span}"}}"#);
        assert_eq!(collected, whole);
        assert_eq!(from_metadata(&collected), place(TraceFlags::SAMPLED));
        assert!(!metadata("orderPlace", place(TraceFlags::NOT_SAMPLED)).contains("span_id"));
    }

    #[test]
    fn metadata_without_a_valid_trace_has_none() {
        let zeros = format!(r#"{{"trace_id":"{}"}}"#, "0".repeat(32));
        let none = metadata("orderPlace", None);
        assert_eq!(none, r#"{"command":"orderPlace"}"#);
        for metadata in [&none, r#"{"trace_id":null}"#, r#"{"trace_id":"zz"}"#, &zeros, "[]"] {
            assert_eq!(from_metadata(metadata), None, "{metadata}");
        }
    }
}
