//! Coupons, tax and shipping: what an order costs in addition to its prices.

use futures::future::join_all;
use serde_json::{Value, json};

use super::stage::{Stage, id, order_input, refused, usd, with};
use crate::cluster::{Client, Shop, key};

const TOTALS: &str = "id couponCode subtotal { amount } discount { amount } shipping { amount }
    tax { amount } taxRate taxMode total { amount }";

async fn issue(stage: &Stage, code: &str, discount: Value, more: Value) {
    let input = with(json!({"code": code, "discount": discount}), more);
    stage.admin.done("couponCreate", "coupon { code }", input).await;
}

async fn apply(who: &Client, code: &str) -> Value {
    who.mutate("cartCouponApply", "cart { couponCode }", json!({"code": code})).await
}

async fn redemptions(stage: &Stage, code: &str) -> i64 {
    let query = "query($code: String!, $at: Position) { coupon(code: $code, minPosition: $at)
        { redemptions } }";
    let at = stage.head().await.to_string();
    let seen = stage.desk.ask(query, json!({"code": code, "at": at})).await;
    seen["coupon"]["redemptions"].as_i64().unwrap()
}

/// A shop with 10.75 % tax that is added to prices, and 6.44 for shipping below 100.00.
async fn stage_with_charges() -> Stage {
    let shop = Shop::new().await;
    let shop = shop.variable("CARTULARY_TAX_RATES", "US=10.75,*=0");
    let stage = Stage::of(shop.variable("CARTULARY_SHIPPING", "USD=644:10000")).await;
    stage.sell("MUG", 2_499, 100).await;
    stage
}

#[tokio::test]
async fn the_estimate_equals_the_total_and_the_payment() {
    let stage = stage_with_charges().await;
    issue(&stage, "spring", json!({"percentage": "10"}), json!({})).await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let payload = apply(&stage.ada, "Spring").await;
    assert_eq!(payload["cart"]["couponCode"], "SPRING");

    let query = "query($at: Position) { cart(minPosition: $at) { estimate(country: \"US\") {
        subtotal { amount } discount { amount } couponProblem shipping { amount } tax { amount }
        total { amount currency } } } }";
    // The read models of products and coupons are queried too.
    stage.figures("MUG").await;
    redemptions(&stage, "SPRING").await;
    let at = stage.head().await.to_string();
    let seen = stage.ada.ask(query, json!({"at": at})).await["cart"]["estimate"].clone();
    let amount = |name: &str| seen[name]["amount"].as_str().unwrap().parse::<i64>().unwrap();
    // The discount of 249.9 is rounded half to even; tax is on 22.49 and on 6.44.
    assert_eq!([amount("subtotal"), amount("discount"), amount("shipping")], [2_499, 250, 644]);
    assert_eq!([amount("tax"), amount("total")], [242 + 69, 2_249 + 644 + 311]);
    assert_eq!(seen["couponProblem"], Value::Null);

    let input = with(order_input(&key()), json!({"expectedTotal": seen["total"]}));
    let placed = stage.ada.done("orderPlace", &format!("order {{ {TOTALS} }}"), input).await;
    let order = &placed["order"];
    assert_eq!(
        (&order["couponCode"], &order["total"]),
        (&json!("SPRING"), &json!({"amount": "3204"}))
    );
    assert_eq!((&order["taxRate"], &order["taxMode"]), (&json!("10.75"), &json!("EXCLUSIVE")));
    assert_eq!(redemptions(&stage, "SPRING").await, 1);

    let order = id(order);
    stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_success").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let seen = stage.see(&stage.ada, &order).await;
    assert_eq!(seen["payments"][0]["captured"]["amount"], "3204");
}

#[tokio::test]
async fn a_total_other_than_the_expected_one_is_refused_with_the_current_total() {
    let stage = stage_with_charges().await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let input = with(order_input(&key()), json!({"expectedTotal": usd(2_499)}));
    let payload = stage.ada.mutate("orderPlace", "order { id }", input).await;
    refused(&payload, "PRICE_CHANGED", "input.expectedTotal");
    assert_eq!(payload["errors"][0]["current"], usd(2_499 + 644 + 269 + 69));
}

#[tokio::test]
async fn an_unusable_coupon_is_refused_with_its_reason_and_changes_nothing() {
    let stage = Stage::with_mugs().await;
    issue(&stage, "BIG-SPENDER", json!({"amount": usd(500)}), json!({"minimum": usd(10_000)}))
        .await;
    issue(
        &stage,
        "LATER",
        json!({"percentage": "5"}),
        json!({"validFrom": "2999-01-01T00:00:00Z"}),
    )
    .await;
    issue(
        &stage,
        "GONE",
        json!({"percentage": "5"}),
        json!({"validUntil": "2001-01-01T00:00:00Z"}),
    )
    .await;
    issue(&stage, "EUROS", json!({"amount": {"amount": "500", "currency": "EUR"}}), json!({}))
        .await;
    issue(&stage, "DISABLED", json!({"percentage": "5"}), json!({})).await;
    stage.admin.done("couponDisable", "coupon { disabled }", json!({"code": "disabled"})).await;
    let empty = apply(&stage.ada, "BIG-SPENDER").await;
    refused(&empty, "CART_NOT_ACTIVE", "input.cartId");

    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let head = stage.head().await;
    for (code, expected) in [
        ("NO-SUCH", "COUPON_NOT_FOUND"),
        ("!", "INVALID_COUPON"),
        ("BIG-SPENDER", "COUPON_MINIMUM"),
        ("LATER", "COUPON_NOT_VALID"),
        ("GONE", "COUPON_NOT_VALID"),
        ("EUROS", "CURRENCY_MISMATCH"),
        ("DISABLED", "COUPON_NOT_VALID"),
    ] {
        refused(&apply(&stage.ada, code).await, expected, "input.code");
    }
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn a_coupon_with_invalid_terms_is_not_created() {
    let stage = Stage::new().await;
    let percent = |percent: &str| json!({"percentage": percent});
    let head = stage.head().await;
    for (input, code, path) in [
        (json!({"code": "A", "discount": percent("5")}), "INVALID_COUPON", "code"),
        (
            json!({"code": "ABC", "discount": percent("101")}),
            "INVALID_PERCENTAGE",
            "discount.percentage",
        ),
        (json!({"code": "ABC", "discount": percent("0")}), "INVALID_AMOUNT", "discount"),
        (json!({"code": "ABC", "discount": {"amount": usd(-1)}}), "INVALID_AMOUNT", "discount"),
        (
            json!({"code": "ABC", "discount": percent("5"), "usageLimit": 0}),
            "INVALID_INPUT",
            "usageLimit",
        ),
    ] {
        let payload = stage.admin.mutate("couponCreate", "coupon { code }", input).await;
        refused(&payload, code, &format!("input.{path}"));
    }
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn a_coupons_limit_holds_for_concurrent_orders() {
    let stage = Stage::with_mugs().await;
    issue(&stage, "FIRST-FIVE", json!({"percentage": "50"}), json!({"usageLimit": 5})).await;
    let buyers: Vec<_> = (0..20).map(|n| stage.node.customer(&format!("buyer {n}"))).collect();
    for buyer in &buyers {
        stage.fill(buyer, &[("MUG", 1)]).await;
        assert_eq!(apply(buyer, "FIRST-FIVE").await["errors"], json!([]));
    }
    let orders = buyers.into_iter().map(|buyer| async move {
        buyer.mutate("orderPlace", "order { id }", order_input(&key())).await
    });
    let mut placed = 0;
    for payload in join_all(orders).await {
        if payload["errors"] == json!([]) {
            placed += 1;
        } else {
            refused(&payload, "COUPON_USED_UP", "input.cartId");
        }
    }
    assert_eq!((placed, redemptions(&stage, "FIRST-FIVE").await), (5, 5));
    assert_eq!(stage.figures("MUG").await, [95, 5, 100]);
}

#[tokio::test]
async fn a_cancelled_order_releases_its_coupon() {
    let stage = Stage::with_mugs().await;
    issue(&stage, "ONCE", json!({"percentage": "50"}), json!({"usageLimit": 1})).await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    apply(&stage.ada, "ONCE").await;
    let placed = stage.ada.done("orderPlace", "order { id }", order_input(&key())).await;
    assert_eq!(redemptions(&stage, "ONCE").await, 1);
    let cancel = json!({"orderId": placed["order"]["id"], "idempotencyKey": key()});
    stage.ada.done("orderCancel", "order { id }", cancel).await;
    assert_eq!(redemptions(&stage, "ONCE").await, 0);
}

#[tokio::test]
async fn a_coupon_can_be_removed_from_a_cart() {
    let stage = Stage::with_mugs().await;
    issue(&stage, "SPRING", json!({"percentage": "10"}), json!({})).await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    apply(&stage.ada, "SPRING").await;
    let payload = stage.ada.done("cartCouponRemove", "cart { couponCode }", json!({})).await;
    assert_eq!(payload["cart"]["couponCode"], Value::Null);
    let input = with(order_input(&key()), json!({"expectedTotal": usd(2_499)}));
    stage.ada.done("orderPlace", "order { id }", input).await;
}
