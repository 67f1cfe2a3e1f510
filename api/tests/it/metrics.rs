//! `/metrics`: what is counted, in the format that Prometheus reads.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use uuid::Uuid;

use crate::cluster::{Client, key, until};
use crate::shop::stage::{Stage, order_input, refused};

/// Each sample's value, by its name and labels.
type Samples = BTreeMap<String, f64>;

/// Labels with a small number of values.
const LABELS: [&str; 13] = [
    "build",
    "call",
    "code",
    "command",
    "kind",
    "le",
    "locked",
    "operation",
    "outcome",
    "projection",
    "state",
    "status",
    "version",
];

async fn scrape(client: &Client) -> (String, Samples) {
    let answer = client.get("/metrics").await.unwrap();
    assert!(answer.status.is_success());
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        (series.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
    });
    let samples = samples.collect();
    (text, samples)
}

fn value(samples: &Samples, series: &str) -> f64 {
    samples.get(&format!("cartulary_{series}")).copied().unwrap_or_default()
}

#[tokio::test]
async fn orders_and_their_outcomes_are_counted() {
    let stage = Stage::with_mugs().await;
    let (_, before) = scrape(&stage.node.stranger()).await;
    stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    stage.fill(&stage.ada, &[("MUG", 99)]).await;
    let payload = stage.ada.mutate("orderPlace", "order { id }", order_input(&key())).await;
    assert_eq!(payload["errors"][0]["code"], "INSUFFICIENT_STOCK");
    let once = json!({"sku": "MUG", "kind": "PURCHASE", "quantity": 1, "reference": "PO",
        "idempotencyKey": key()});
    for _ in 0..2 {
        stage.admin.done("inventoryAdjust", "inventoryItem { sku }", once.clone()).await;
    }
    stage.until_sent(2).await;

    let placed = r#"commands_total{command="orderPlace",outcome="accepted",code=""}"#;
    let moved = [
        (placed, 1.0),
        (
            r#"commands_total{command="orderPlace",outcome="refused",code="INSUFFICIENT_STOCK"}"#,
            1.0,
        ),
        (r#"commands_total{command="inventoryAdjust",outcome="replayed",code=""}"#, 1.0),
        (r#"payment_calls_total{call="create",outcome="answered"}"#, 1.0),
        (r#"payment_calls_total{call="capture",outcome="answered"}"#, 1.0),
        (r#"mail_total{outcome="sent"}"#, 2.0),
        (r#"command_seconds_count{command="orderPlace"}"#, 2.0),
    ];
    until("everything is counted", async || {
        let (_, after) = scrape(&stage.node.stranger()).await;
        let by = |series| value(&after, series) - value(&before, series);
        moved.iter().all(|(series, count)| by(series) == *count)
            && by(r#"requests_total{operation="mutation",outcome="OK"}"#) >= 6.0
            && by(r#"request_seconds_count{operation="mutation"}"#) >= 6.0
            && by("append_batch_items_count") >= 6.0
            && by("append_seconds_count") == by("append_batch_items_count")
            && by(r#"webhooks_total{status="200"}"#) >= 1.0
    })
    .await;
}

#[tokio::test]
async fn the_current_state_is_served() {
    let stage = Stage::with_mugs().await;
    stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    stage.until_sent(2).await;
    let end = stage.end().await as f64;
    until("every projection has reached the head", async || {
        let (_, now) = scrape(&stage.node.stranger()).await;
        let is_there = |series: &str| value(&now, series) >= end;
        is_there("log_head")
            && is_there(r#"projection_position{projection="orders"}"#)
            && is_there("reactions_position")
            && value(&now, r#"projection_lag_events{projection="orders"}"#) == 0.0
            && value(&now, r#"projection_owned{projection="orders"}"#) == 1.0
    })
    .await;
    let (_, now) = scrape(&stage.node.stranger()).await;
    for (series, expected) in [
        ("database_up", 1.0),
        ("requests_in_flight", 0.0),
        ("reactions_parked", 0.0),
        ("inbox_overdue", 0.0),
        ("payment_circuit_open", 0.0),
        (r#"projection_stopped{projection="orders"}"#, 0.0),
        (r#"deadlines_due{kind="order_expiry"}"#, 0.0),
    ] {
        assert_eq!(now.get(&format!("cartulary_{series}")), Some(&expected), "{series}");
    }
    assert!(value(&now, r#"pool_connections{state="idle"}"#) >= 1.0);
    assert!(now["process_resident_memory_bytes"] > 1e6);
}

/// The labels of a sample, by name.
fn labels(series: &str) -> Vec<(String, String)> {
    let Some((_, rest)) = series.split_once('{') else { return vec![] };
    let inner = rest.strip_suffix('}').unwrap_or_else(|| panic!("{series}"));
    let label = |label: &str| {
        let (name, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{series}"));
        (name.to_owned(), value.strip_suffix('"').unwrap_or_else(|| panic!("{series}")).to_owned())
    };
    inner.split(',').map(label).collect()
}

#[tokio::test]
async fn every_line_is_valid_and_contains_no_personal_data() {
    let stage = Stage::with_mugs().await;
    stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let sku = json!({"lines": [{"sku": "NO-SUCH", "quantity": 1}]});
    refused(
        &stage.ada.mutate("cartLinesAdd", "cart { id }", sku).await,
        "PRODUCT_NOT_FOUND",
        "input.lines.0.sku",
    );
    stage.node.stranger().get("/graphql?query=nonsense").await.unwrap();

    let (text, samples) = scrape(&stage.node.stranger()).await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let described: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(described.len() > 30, "{described:?}");
    for series in samples.keys() {
        let name = series.split('{').next().unwrap();
        let family = ["_total", "_bucket", "_sum", "_count", "_info"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|name| described.contains(name)));
        assert!(family.is_some() || described.contains(name), "{series}");
        for (label, value) in labels(series) {
            assert!(LABELS.contains(&label.as_str()), "{series}");
            assert!(value.len() < 40 && value.parse::<Uuid>().is_err(), "{series}");
        }
    }
    for secret in ["MUG", "NO-SUCH", "ada", "Bearer", "postgres://"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
