//! Traces: one id in the client's header, in the log and at the collector.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cluster::{Shop, key, until};
use crate::shop::stage::{Stage, order_input};

/// A collector that receives spans by OTLP over HTTP.
#[derive(Clone, Default)]
struct FakeCollector(Arc<Mutex<Vec<Span>>>);

impl FakeCollector {
    /// Starts to listen, and returns the address.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// The spans of a trace.
    fn of(&self, trace: &str) -> Vec<Span> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|span| hex(&span.trace_id) == trace).cloned().collect()
    }
}

async fn take(State(FakeCollector(spans)): State<FakeCollector>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named<'s>(spans: &'s [Span], name: &str) -> Option<&'s Span> {
    spans.iter().find(|span| span.name == name)
}

/// The trace of the command that placed the only order.
async fn stored_trace(stage: &Stage) -> Option<String> {
    let pool = stage.shop.database.as_ref().unwrap().pool();
    let query = "select metadata->>'trace_id' from events
        where metadata->>'command' = 'orderPlace'";
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

#[tokio::test]
async fn a_mutation_and_its_reactions_belong_to_the_callers_trace() {
    let collector = FakeCollector::default();
    let shop = Shop::new()
        .await
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.start().await)
        .variable("OTEL_BSP_SCHEDULE_DELAY", "50");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 100).await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let ada = stage.ada.clone().with("traceparent", &format!("00-{TRACE}-{PARENT}-01"));
    ada.done("orderPlace", "order { id }", order_input(&key())).await;
    assert_eq!(stored_trace(&stage).await.as_deref(), Some(TRACE));

    until("the spans are collected", async || {
        let spans = collector.of(TRACE);
        ["mutation", "orderPlace", "append", "reaction", "notify"]
            .iter()
            .all(|name| named(&spans, name).is_some())
    })
    .await;
    let spans = collector.of(TRACE);
    let span = |name| named(&spans, name).unwrap();
    assert_eq!(hex(&span("mutation").parent_span_id), PARENT);
    assert_eq!(span("orderPlace").parent_span_id, span("mutation").span_id);
    // The span of a reaction is a child of the command whose event it reacts to.
    assert_eq!(span("reaction").parent_span_id, span("orderPlace").span_id);
}

#[tokio::test]
async fn without_a_collector_answer_log_and_lines_have_the_same_trace_id() {
    let stage = Stage::with_mugs().await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let input = order_input(&key());
    let query = "mutation($input: OrderPlaceInput!) { orderPlace(input: $input) { position } }";
    let body = json!({"query": query, "variables": {"input": input}});
    let answer = stage.ada.post(&body.to_string()).await.unwrap();
    let id = answer.header("x-request-id").to_owned();
    assert!(id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    assert_eq!(stored_trace(&stage).await, Some(id.clone()));
    until("the log names it", async || stage.node.log().contains(&id)).await;
}

#[tokio::test]
async fn an_invalid_traceparent_is_ignored() {
    let stage = Stage::new().await;
    for header in ["", "nonsense", &format!("00-{}-{PARENT}-01", "0".repeat(32))] {
        let client = stage.node.stranger().with("traceparent", header);
        let answer = client.get("/graphql?query=%7B__typename%7D").await.unwrap();
        let id = answer.header("x-request-id");
        assert!(answer.status.is_success() && id.len() == 32 && id != "0".repeat(32), "{header}");
    }
}
