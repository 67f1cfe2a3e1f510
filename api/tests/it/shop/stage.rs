//! A shop with stock, its staff and its customer.

use serde_json::{Value, json};

use crate::cluster::{Client, Node, Shop, key, until};

/// The fields of an order that the tests query.
pub(crate) const ORDER: &str = "id number version status paymentState fulfilmentState cancelReason
    total { amount currency } payments { id status amount { amount } captured { amount }
    voided { amount } refunded { amount } } lines { sku quantity shipped delivered }
    shipments { carrier trackingNumber estimatedDelivery lines { sku quantity } }";

/// One server, and three clients: an admin, a support agent (`desk`), and the customer Ada.
pub(crate) struct Stage {
    pub(crate) shop: Shop,
    pub(crate) node: Node,
    pub(crate) admin: Client,
    pub(crate) desk: Client,
    pub(crate) ada: Client,
}

/// The figures of a SKU: available, reserved, on hand.
pub(crate) type StockFigures = [i64; 3];

impl Stage {
    /// A shop without products.
    pub(crate) async fn new() -> Stage {
        Stage::of(Shop::new().await).await
    }

    pub(crate) async fn of(shop: Shop) -> Stage {
        let node = shop.start().await;
        let (admin, desk, ada) = (node.admin(), node.support(), node.customer("ada"));
        Stage { shop, node, admin, desk, ada }
    }

    /// Kills the server and starts another one.
    pub(crate) async fn restart(&mut self) {
        let node = self.shop.start().await;
        (self.admin, self.desk, self.ada) = (node.admin(), node.support(), node.customer("ada"));
        std::mem::replace(&mut self.node, node).kill().await;
    }

    /// A shop that sells mugs at 24.99 USD and has a hundred of them.
    pub(crate) async fn with_mugs() -> Stage {
        let stage = Stage::new().await;
        stage.sell("MUG", 2_499, 100).await;
        stage
    }

    /// Creates a product and registers its stock.
    pub(crate) async fn sell(&self, sku: &str, cents: i64, units: i64) {
        let product = json!({"sku": sku, "name": format!("A {sku}"), "price": usd(cents)});
        self.admin.done("productCreate", "product { sku }", product).await;
        let stock = json!({"sku": sku, "onHand": units, "idempotencyKey": key()});
        self.admin.done("inventoryRegister", "inventoryItem { sku }", stock).await;
    }

    /// Adds these lines to the buyer's cart.
    pub(crate) async fn fill(&self, buyer: &Client, lines: &[(&str, i64)]) -> Value {
        let lines: Vec<_> =
            lines.iter().map(|(sku, n)| json!({"sku": sku, "quantity": n})).collect();
        let selection = "cart { id version total { amount } }";
        buyer.done("cartLinesAdd", selection, json!({"lines": lines})).await["cart"].clone()
    }

    /// Fills a cart and places the order; returns the order's id.
    pub(crate) async fn order(&self, buyer: &Client, lines: &[(&str, i64)]) -> String {
        self.fill(buyer, lines).await;
        let placed = buyer.done("orderPlace", "order { id }", order_input(&key())).await;
        id(&placed["order"])
    }

    /// Starts a payment with this token; returns the payment's id.
    pub(crate) async fn pay(
        &self,
        buyer: &Client,
        order: &str,
        capture: &str,
        token: &str,
    ) -> String {
        let input = json!({"orderId": order, "capture": capture, "token": token,
            "idempotencyKey": key()});
        id(&buyer.done("paymentStart", "payment { id }", input).await["payment"])
    }

    /// Places and pays an order of two mugs, and waits until it has these states; returns the ids
    /// of order and payment.
    pub(crate) async fn paid(&self, capture: &str, until_status: [&str; 2]) -> (String, String) {
        let order = self.order(&self.ada, &[("MUG", 2)]).await;
        let payment = self.pay(&self.ada, &order, capture, "tok_success").await;
        self.until_status(&order, until_status).await;
        (order, payment)
    }

    /// An order of two mugs that is paid and shipped.
    pub(crate) async fn shipped(&self) -> String {
        let (order, _) = self.paid("AUTOMATIC", ["PAID", "PAID"]).await;
        self.desk.done("orderProcessingStart", "order { id }", json!({"orderId": order})).await;
        self.desk.done("orderShip", "order { id }", json!({"orderId": order})).await;
        order
    }

    /// Waits until the order has this status and this paymentState.
    pub(crate) async fn until_status(&self, order: &str, [status, money]: [&str; 2]) {
        let query = "query($id: ID!) { order(id: $id) { status paymentState } }";
        until(&format!("the order becomes {status} and {money}"), async || {
            let seen = self.desk.ask(query, json!({"id": order})).await;
            seen["order"] == json!({"status": status, "paymentState": money})
        })
        .await;
    }

    /// The position of the last event, without those of notifications, which are requested and sent
    /// in the background.
    pub(crate) async fn head(&self) -> i64 {
        let last =
            "select coalesce(max(position), 0) from events where stream_type <> 'notification'";
        self.count(last).await
    }

    pub(crate) async fn until_payment_status(&self, payment: &str, status: &str) {
        let query = "query($id: ID!) { payment(id: $id) { status } }";
        until(&format!("the payment becomes {status}"), async || {
            let seen = self.desk.ask(query, json!({"id": payment})).await;
            seen["payment"]["status"] == status
        })
        .await;
    }

    /// The position of the last event in the log.
    pub(crate) async fn end(&self) -> i64 {
        self.count("select coalesce(max(position), 0) from events").await
    }

    /// Waits until this many messages were sent.
    pub(crate) async fn until_sent(&self, messages: i64) {
        let sent = "select count(*) from events where event_type = 'notification.sent'";
        let what = format!("{messages} messages are sent");
        until(&what, async || self.count(sent).await == messages).await;
    }

    async fn count(&self, query: &'static str) -> i64 {
        let database = self.shop.database.as_ref().expect("the shop has a database of its own");
        sqlx::query_scalar(query).fetch_one(database.pool()).await.unwrap()
    }

    /// The current order, as this client sees it.
    pub(crate) async fn see(&self, who: &Client, order: &str) -> Value {
        let query = format!(
            "query($id: ID!, $at: Position) {{ order(id: $id, minPosition: $at) {{ {ORDER} }} }}"
        );
        let at = self.payments_are_at_head().await;
        who.ask(&query, json!({"id": order, "at": at})).await["order"].clone()
    }

    /// Waits until the payments' read model has reached the head, since an order shows its payments
    /// too.
    async fn payments_are_at_head(&self) -> String {
        let at = self.head().await.to_string();
        let query =
            "query($at: Position) { payments(first: 0, minPosition: $at) { edges { cursor } } }";
        self.desk.ask(query, json!({"at": at})).await;
        at
    }

    /// Checks the order's status, paymentState and fulfilmentState.
    pub(crate) async fn check_states(&self, order: &str, states: [&str; 3]) {
        let seen = self.see(&self.desk, order).await;
        let [status, money, goods] = states;
        let states = json!([status, money, goods]);
        assert_eq!(json!([seen["status"], seen["paymentState"], seen["fulfilmentState"]]), states);
    }

    /// The current figures of a SKU.
    pub(crate) async fn figures(&self, sku: &str) -> StockFigures {
        let query =
            "query($sku: String!, $at: Position) { inventoryItem(sku: $sku, minPosition: $at)
            { available reserved onHand } }";
        let at = self.head().await.to_string();
        let seen = self.desk.ask(query, json!({"sku": sku, "at": at})).await;
        let figure = |name: &str| seen["inventoryItem"][name].as_i64().unwrap();
        [figure("available"), figure("reserved"), figure("onHand")]
    }

    /// The ledger of a SKU, the first line first: kind, quantity, balance.
    pub(crate) async fn ledger(&self, sku: &str) -> Vec<(String, i64, i64)> {
        let query = "query($sku: String!, $at: Position) { inventoryLedger(sku: $sku,
            first: 100, minPosition: $at) { nodes { kind quantity balance } } }";
        let at = self.head().await.to_string();
        let seen = self.desk.ask(query, json!({"sku": sku, "at": at})).await;
        let line = |line: &Value| {
            let (quantity, balance) = (line["quantity"].as_i64(), line["balance"].as_i64());
            (text(&line["kind"]), quantity.unwrap(), balance.unwrap())
        };
        seen["inventoryLedger"]["nodes"].as_array().unwrap().iter().rev().map(line).collect()
    }

    /// The event types of one stream, the first one first.
    pub(crate) async fn history(&self, kind: &str, id: &str) -> Vec<String> {
        let query = "query($kind: AggregateKind!, $id: ID!, $at: Position) { history(kind: $kind,
            id: $id, first: 100, minPosition: $at) { nodes { type } } }";
        let at = self.head().await.to_string();
        let seen = self.desk.ask(query, json!({"kind": kind, "id": id, "at": at})).await;
        let nodes = seen["history"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|event| text(&event["type"])).collect()
    }

    /// The history of a payment without `payment.processing`, which may be reported before or after
    /// the outcome.
    pub(crate) async fn payment_history(&self, payment: &str) -> Vec<String> {
        let mut types = self.history("PAYMENT", payment).await;
        types.retain(|name| name != "payment.processing");
        types
    }

    /// How many webhooks with such an event id the inbox has, and how many of them are processed.
    pub(crate) async fn webhooks_received(&self, event: &str) -> (i64, i64) {
        let query = "select count(*), count(processed_at) from inbox where event_id like $1";
        let pool = self.shop.database.as_ref().unwrap().pool();
        sqlx::query_as(query).bind(event).fetch_one(pool).await.unwrap()
    }

    /// The id of the inventory stream of a SKU.
    pub(crate) async fn stock_id(&self, sku: &str) -> String {
        let query = "query($sku: String!) { inventoryItem(sku: $sku) { id } }";
        id(&self.desk.ask(query, json!({"sku": sku})).await["inventoryItem"])
    }
}

/// The code and the path of the first error in a refused payload.
pub(crate) fn refusal(payload: &Value) -> (String, String) {
    let error = &payload["errors"][0];
    assert!(!error["message"].as_str().unwrap_or_default().is_empty(), "{payload:#}");
    assert_eq!((&payload["position"], &payload["replayed"]), (&Value::Null, &json!(false)));
    let path: Vec<_> = error["path"].as_array().unwrap().iter().map(text).collect();
    (text(&error["code"]), path.join("."))
}

pub(crate) fn refused(payload: &Value, code: &str, path: &str) {
    assert_eq!(refusal(payload), (code.to_owned(), path.to_owned()), "{payload:#}");
}

pub(crate) fn order_input(key: &str) -> Value {
    json!({
        "contact": {"name": "Ada", "email": "ada@example.org"},
        "shippingAddress": {"street": "123 Main St", "city": "Boston", "region": "MA",
            "postalCode": "02101", "country": "US"},
        "idempotencyKey": key,
    })
}

pub(crate) fn usd(cents: i64) -> Value {
    money(cents, "USD")
}

pub(crate) fn money(amount: i64, currency: &str) -> Value {
    json!({"amount": amount.to_string(), "currency": currency})
}

/// The object with these fields added or replaced.
pub(crate) fn with(mut object: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(more);
    object
}

pub(crate) fn id(object: &Value) -> String {
    text(&object["id"])
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
