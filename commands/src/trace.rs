//! Traces: what belongs to one request, across processes, the log, and what follows from it.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use serde::Deserialize;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of every span. Spans are for whoever collects them; the log's filter leaves them out, as
/// they are of level `debug`, and then they cost nothing.
pub const SPANS: &str = "cartulary::spans";

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    pub id: TraceId,
    /// The span that the next ones belong below; none where nobody collects spans.
    parent: Option<SpanId>,
    flags: TraceFlags,
}

impl Trace {
    /// A trace that begins here.
    pub fn random() -> Trace {
        let id = TraceId::from_bytes(rand::random());
        Trace { id, parent: None, flags: TraceFlags::SAMPLED }
    }

    /// What another process, or a span of our own, says; nothing where that makes no sense.
    pub fn of(span: &SpanContext) -> Option<Trace> {
        span.is_valid().then(|| Trace {
            id: span.trace_id(),
            parent: Some(span.span_id()),
            flags: span.trace_flags(),
        })
    }

    /// Puts a new span into the trace `from`; without one it goes below the span that is current, or
    /// begins a trace. Answers with its place, or with `from` where nobody collects spans.
    pub fn enter(span: &Span, from: Option<Trace>) -> Option<Trace> {
        if span.is_disabled() {
            return from;
        }
        if let Some(from) = from {
            // This fails where there is a log of spans but nobody collects them.
            let _ = span.set_parent(Context::new().with_remote_span_context(from.remote()));
        }
        Trace::of(span.context().span().span_context()).or(from)
    }

    /// A trace whose spans were not collected so far has none to hang others below: half of its id
    /// stands in.
    fn remote(self) -> SpanContext {
        let half: [u8; 8] = std::array::from_fn(|n| self.id.to_bytes()[n]);
        let parent = self.parent.unwrap_or(SpanId::from_bytes(half));
        SpanContext::new(self.id, parent, self.flags, true, TraceState::NONE)
    }

    fn collected(self) -> Option<SpanId> {
        self.parent.filter(|_| self.flags.is_sampled())
    }
}

/// What the log keeps beside the first event of a command: JSON, with the command's name, which needs
/// no escaping, the trace, and the span of the command where it was collected.
pub(crate) fn metadata(command: &'static str, trace: Option<Trace>) -> String {
    match trace.map(|trace| (trace.id, trace.collected())) {
        None => format!(r#"{{"command":"{command}"}}"#),
        Some((id, None)) => format!(r#"{{"command":"{command}","trace_id":"{id}"}}"#),
        Some((id, Some(span))) => {
            format!(r#"{{"command":"{command}","trace_id":"{id}","span_id":"{span}"}}"#)
        }
    }
}

/// The trace of a command in the log, if it tells of one.
pub(crate) fn of_metadata(metadata: &str) -> Option<Trace> {
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
        let place = |flags| Trace::of(&SpanContext::new(id, span, flags, true, TraceState::NONE));
        let collected = metadata("orderPlace", place(TraceFlags::SAMPLED));
        let (id, span) = ("07".repeat(16), "09".repeat(8));
        let whole = format!(r#"{{"command":"orderPlace","trace_id":"{id}","span_id":"{span}"}}"#);
        assert_eq!(collected, whole);
        assert_eq!(of_metadata(&collected), place(TraceFlags::SAMPLED));
        assert!(!metadata("orderPlace", place(TraceFlags::NOT_SAMPLED)).contains("span_id"));
    }

    #[test]
    fn metadata_without_a_trace_or_with_a_strange_one_has_none() {
        let zeros = format!(r#"{{"trace_id":"{}"}}"#, "0".repeat(32));
        let none = metadata("orderPlace", None);
        assert_eq!(none, r#"{"command":"orderPlace"}"#);
        for metadata in [&none, r#"{"trace_id":null}"#, r#"{"trace_id":"zz"}"#, &zeros, "[]"] {
            assert_eq!(of_metadata(metadata), None, "{metadata}");
        }
    }
}
