//! Order statistics, as staff see them.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::cluster::key;

const STATS: &str = "query($from: DateTime, $to: DateTime, $by: StatsInterval!, $at: Position) {
    orderStats(from: $from, to: $to, interval: $by, minPosition: $at) { overall { ...F }
        spans { begins figures { ...F } } } }
    fragment F on OrderFigures { orders sales { orders total { amount } average { amount } }
        byStatus { status orders total { amount currency } } }";

#[tokio::test]
async fn orders_are_counted_by_day_and_status_and_cancelled_ones_are_not_sales() {
    let stage = Stage::with_mugs().await;
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.order(&stage.ada, &[("MUG", 2)]).await;
    let cancelled = stage.order(&stage.ada, &[("MUG", 3)]).await;
    let cancel = json!({"orderId": cancelled, "idempotencyKey": key()});
    stage.ada.done("orderCancel", "order { id }", cancel).await;

    let at = stage.head().await.to_string();
    let stats = stage.desk.ask(STATS, json!({"by": "DAY", "at": at})).await["orderStats"].clone();

    let total = |amount: &str| json!({"amount": amount, "currency": "USD"});
    let figures = json!({
        "orders": 3,
        "sales": [{"orders": 2, "total": {"amount": "7497"}, "average": {"amount": "3748"}}],
        "byStatus": [
            {"status": "PENDING", "orders": 2, "total": total("7497")},
            {"status": "CANCELLED", "orders": 1, "total": total("7497")},
        ],
    });
    assert_eq!(stats["overall"], figures);
    // All orders are of one day, unless midnight has passed meanwhile.
    let spans = stats["spans"].as_array().unwrap();
    let orders: i64 = spans.iter().filter_map(|span| span["figures"]["orders"].as_i64()).sum();
    assert_eq!(orders, 3);
    assert!(spans.iter().all(|span| span["begins"].as_str().unwrap().contains("T00:00:00")));

    let before =
        json!({"by": "MONTH", "from": "2020-01-01T00:00:00Z", "to": "2021-01-01T00:00:00Z"});
    let none = stage.desk.ask(STATS, before).await["orderStats"].clone();
    assert_eq!((&none["overall"]["orders"], &none["spans"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn an_invalid_interval_is_refused_and_customers_see_no_statistics() {
    let stage = Stage::with_mugs().await;
    let code = |answer: Value| answer["errors"][0]["extensions"]["code"].clone();
    for (from, to) in [
        ("2021-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        ("2021-01-02T00:00:00Z", "2021-01-01T00:00:00Z"),
        ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
    ] {
        let by = json!({"from": from, "to": to, "by": "HOUR"});
        assert_eq!(code(stage.desk.try_ask(STATS, by).await.unwrap()), "BAD_USER_INPUT");
    }
    let refused = stage.ada.try_ask(STATS, json!({"by": "DAY"})).await.unwrap();
    assert_eq!(code(refused), "FORBIDDEN");
}
