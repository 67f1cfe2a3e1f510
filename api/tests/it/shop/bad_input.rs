//! Invalid input: the answer is a typed error that names the field, and no event is written.

use serde_json::{Value, json};

use super::stage::{Stage, id, money, order_input, refused, text, usd, with};
use crate::cluster::{Client, key};

/// The client, the mutation, its input, and the code and path of the expected error.
type Row<'s> = (&'s Client, &'s str, Value, &'s str, &'s str);

async fn all_are_refused(stage: &Stage, rows: Vec<Row<'_>>) {
    let head = stage.head().await;
    for (who, mutation, input, code, path) in rows {
        let payload = who.mutate(mutation, "__typename", input).await;
        refused(&payload, code, path);
        assert_eq!(stage.head().await, head, "{mutation} wrote something");
    }
}

fn one_line(sku: &str, quantity: i64) -> Value {
    json!({"lines": [{"sku": "MUG", "quantity": 1}, {"sku": sku, "quantity": quantity}]})
}

fn lines(count: usize) -> Value {
    let line = |n| json!({"sku": format!("S-{n}"), "quantity": 1});
    json!({"lines": (0..count).map(line).collect::<Vec<_>>()})
}

#[tokio::test]
async fn invalid_cart_input_is_refused() {
    let stage = Stage::with_mugs().await;
    stage.fill(&stage.ada, &[("MUG", 9_999)]).await;
    let (ada, add, update) = (&stage.ada, "cartLinesAdd", "cartLinesUpdate");
    let wrong_id = |more| with(more, json!({"cartId": "nonsense"}));
    let of_price =
        |price| json!({"lines": [{"sku": "MUG", "quantity": 1, "expectedUnitPrice": price}]});
    let (quantity, sku) = ("input.lines.1.quantity", "input.lines.1.sku");
    let long = "S".repeat(65);
    let (price, code) = ("input.lines.0.expectedUnitPrice", "INVALID_AMOUNT");
    let rows: Vec<Row<'_>> = vec![
        (ada, add, one_line("MUG", 0), "INVALID_QUANTITY", quantity),
        (ada, add, one_line("MUG", -1), "INVALID_QUANTITY", quantity),
        (ada, add, one_line("MUG", 10_001), "INVALID_QUANTITY", quantity),
        (ada, add, one_line("MUG", 1_000_000_000), "INVALID_QUANTITY", quantity),
        (ada, add, one_line("MUG", i64::MAX), "INVALID_QUANTITY", quantity),
        (ada, add, one_line("MUG", 10_000), "INVALID_QUANTITY", "input.lines.0.quantity"),
        (ada, add, one_line("NOTHING", 1), "PRODUCT_NOT_FOUND", sku),
        (ada, add, one_line("", 1), "INVALID_SKU", sku),
        (ada, add, one_line("two words", 1), "INVALID_SKU", sku),
        (ada, add, one_line(&long, 1), "INVALID_SKU", sku),
        (ada, add, lines(0), "INVALID_INPUT", "input.lines"),
        (ada, add, lines(251), "TOO_MANY_LINES", "input.lines"),
        (ada, add, wrong_id(one_line("MUG", 1)), "INVALID_ID", "input.cartId"),
        (ada, add, of_price(money(1, "XXX")), "INVALID_CURRENCY", price),
        (ada, add, of_price(json!({"amount": "24.99", "currency": "USD"})), code, price),
        (
            ada,
            add,
            of_price(json!({"amount": "9223372036854775808", "currency": "USD"})),
            code,
            price,
        ),
        (ada, update, one_line("MUG", -1), "INVALID_QUANTITY", quantity),
        (ada, update, one_line("MUG", 1_000_000_000), "INVALID_QUANTITY", quantity),
        (ada, update, one_line("NOTHING", 1), "CART_LINE_NOT_FOUND", sku),
        (ada, update, lines(0), "INVALID_INPUT", "input.lines"),
        (ada, update, wrong_id(one_line("MUG", 1)), "INVALID_ID", "input.cartId"),
        (
            ada,
            "cartLinesRemove",
            json!({"skus": ["MUG", "NOTHING"]}),
            "CART_LINE_NOT_FOUND",
            "input.skus.1",
        ),
        (ada, "cartLinesRemove", json!({"skus": [""]}), "INVALID_SKU", "input.skus.0"),
        (ada, "cartLinesRemove", json!({"skus": []}), "INVALID_INPUT", "input.skus"),
        (ada, "cartClear", wrong_id(json!({})), "INVALID_ID", "input.cartId"),
        (ada, "cartClear", json!({"idempotencyKey": ""}), "INVALID_INPUT", "input.idempotencyKey"),
    ];
    all_are_refused(&stage, rows).await;
}

#[tokio::test]
async fn invalid_order_input_is_refused() {
    let stage = Stage::with_mugs().await;
    let bob = stage.node.customer("bob");
    let made = stage.node.stranger().done("cartCreate", "cart { id } token", json!({})).await;
    let guest = stage.node.guest(&text(&made["token"]));
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let (ada, place) = (&stage.ada, "orderPlace");
    let other = |more| with(order_input(&key()), more);
    let contact =
        |more| other(json!({"contact": with(json!({"name": "A", "email": "a@b.org"}), more)}));
    let address = |more: Value| {
        let whole = json!({"street": "1", "city": "B", "country": "US"});
        other(json!({"shippingAddress": with(whole, more)}))
    };
    let long = "x".repeat(201);
    let rows: Vec<Row<'_>> = vec![
        (&guest, place, other(json!({})), "CART_EMPTY", "input.cartId"),
        (&bob, place, other(json!({})), "CART_EMPTY", "input.cartId"),
        (ada, place, other(json!({"cartId": "nonsense"})), "INVALID_ID", "input.cartId"),
        (
            ada,
            place,
            other(json!({"expectedTotal": money(2_499, "EUR")})),
            "PRICE_CHANGED",
            "input.expectedTotal",
        ),
        (
            ada,
            place,
            other(json!({"expectedTotal": money(1, "usd")})),
            "INVALID_CURRENCY",
            "input.expectedTotal",
        ),
        (
            ada,
            place,
            other(json!({"idempotencyKey": "k".repeat(256)})),
            "INVALID_INPUT",
            "input.idempotencyKey",
        ),
        (
            &guest,
            place,
            other(json!({"idempotencyKey": "mine"})),
            "INVALID_INPUT",
            "input.idempotencyKey",
        ),
        (ada, place, contact(json!({"email": "nobody"})), "INVALID_EMAIL", "input.contact.email"),
        (ada, place, contact(json!({"name": " "})), "INVALID_TEXT", "input.contact.name"),
        (ada, place, contact(json!({"name": &long})), "INVALID_TEXT", "input.contact.name"),
        (ada, place, contact(json!({"name": "a\u{0}b"})), "INVALID_TEXT", "input.contact.name"),
        (
            ada,
            place,
            contact(json!({"phone": "4242 4242 4242 4242"})),
            "CARD_NUMBER_REFUSED",
            "input.contact.phone",
        ),
        (ada, place, address(json!({"city": ""})), "INVALID_TEXT", "input.shippingAddress.city"),
        (
            ada,
            place,
            address(json!({"postalCode": &long})),
            "INVALID_TEXT",
            "input.shippingAddress.postalCode",
        ),
    ];
    all_are_refused(&stage, rows).await;
}

#[tokio::test]
async fn invalid_fulfilment_input_is_refused() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let desk = &stage.desk;
    desk.done("orderProcessingStart", "order { id }", json!({"orderId": order})).await;
    let it = |more| with(json!({"orderId": order}), more);
    let cancel = |more| it(with(json!({"idempotencyKey": key()}), more));
    let wrong = || json!({"orderId": "nonsense", "idempotencyKey": key()});
    let missing = || json!({"orderId": "01890000-0000-7000-8000-000000000000"});
    let card = "it is 4242 4242 4242 4242, thanks";
    let (ship, deliver, note) = ("orderShip", "orderDeliver", "orderNoteAdd");
    let of = |sku: &str, n: i64| it(json!({"lines": [{"sku": sku, "quantity": n}]}));
    let rows: Vec<Row<'_>> = vec![
        (desk, ship, of("MUG", 3), "QUANTITY_EXCEEDS_UNSHIPPED", "input.lines.0.quantity"),
        (desk, ship, of("MUG", 0), "INVALID_QUANTITY", "input.lines.0.quantity"),
        (desk, ship, of("MUG", -1), "INVALID_QUANTITY", "input.lines.0.quantity"),
        (desk, ship, of("INK", 1), "NOT_FOUND", "input.lines.0.sku"),
        (desk, ship, of("a b", 1), "INVALID_SKU", "input.lines.0.sku"),
        (desk, ship, it(json!({"carrier": ""})), "INVALID_TEXT", "input.carrier"),
        (desk, ship, it(json!({"carrier": card})), "CARD_NUMBER_REFUSED", "input.carrier"),
        (
            desk,
            ship,
            it(json!({"trackingNumber": "x".repeat(201)})),
            "INVALID_TEXT",
            "input.trackingNumber",
        ),
        (desk, ship, wrong_only(), "INVALID_ID", "input.orderId"),
        (desk, ship, missing(), "NOT_FOUND", "input.orderId"),
        (desk, deliver, of("MUG", 1), "QUANTITY_EXCEEDS_SHIPPED", "input.lines.0.quantity"),
        (desk, deliver, missing(), "NOT_FOUND", "input.orderId"),
        (desk, "orderProcessingStart", missing(), "NOT_FOUND", "input.orderId"),
        (desk, note, it(json!({"text": card})), "CARD_NUMBER_REFUSED", "input.text"),
        (desk, note, it(json!({"text": ""})), "INVALID_TEXT", "input.text"),
        (desk, note, it(json!({"text": "x".repeat(5_001)})), "INVALID_TEXT", "input.text"),
        (
            desk,
            "orderCancel",
            cancel(json!({"reason": card})),
            "CARD_NUMBER_REFUSED",
            "input.reason",
        ),
        (
            desk,
            "orderCancel",
            cancel(json!({"reason": "x".repeat(201)})),
            "INVALID_TEXT",
            "input.reason",
        ),
        (desk, "orderCancel", wrong(), "INVALID_ID", "input.orderId"),
        (desk, "orderUpdate", wrong_only(), "INVALID_ID", "input.orderId"),
    ];
    all_are_refused(&stage, rows).await;
}

fn wrong_only() -> Value {
    json!({"orderId": "nonsense"})
}

#[tokio::test]
async fn invalid_payment_input_is_refused() {
    let stage = Stage::with_mugs().await;
    let (_, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let (ada, desk) = (&stage.ada, &stage.desk);
    let start = |more| with(json!({"orderId": order, "idempotencyKey": key()}), more);
    let of = |more| with(json!({"paymentId": payment, "idempotencyKey": key()}), more);
    let amount = |amount: Value| of(json!({"amount": amount}));
    let (pay, capture, refund) = ("paymentStart", "paymentCapture", "paymentRefund");
    let nonsense = json!({"paymentId": "nonsense"});
    let nobodys = json!({"paymentId": "01890000-0000-7000-8000-000000000000"});
    let rows: Vec<Row<'_>> = vec![
        (ada, pay, start(json!({})), "INVALID_INPUT", "input.token"),
        (ada, pay, start(json!({"token": ""})), "INVALID_TEXT", "input.token"),
        (
            ada,
            pay,
            start(json!({"token": "4242424242424242"})),
            "CARD_NUMBER_REFUSED",
            "input.token",
        ),
        (
            ada,
            pay,
            start(json!({"orderId": "nonsense", "token": "t"})),
            "INVALID_ID",
            "input.orderId",
        ),
        (
            ada,
            pay,
            start(json!({"token": "t", "idempotencyKey": "k".repeat(256)})),
            "INVALID_INPUT",
            "input.idempotencyKey",
        ),
        (desk, capture, amount(usd(0)), "INVALID_AMOUNT", "input.amount"),
        (desk, capture, amount(usd(-1)), "INVALID_AMOUNT", "input.amount"),
        (desk, capture, amount(money(1, "EUR")), "INVALID_AMOUNT", "input.amount"),
        (desk, capture, amount(money(1, "XXX")), "INVALID_CURRENCY", "input.amount"),
        (desk, capture, amount(usd(4_999)), "AMOUNT_EXCEEDS_AUTHORIZED", "input.amount"),
        (desk, capture, of(nonsense.clone()), "INVALID_ID", "input.paymentId"),
        (desk, capture, of(nobodys.clone()), "NOT_FOUND", "input.paymentId"),
        (desk, refund, of(json!({})), "PAYMENT_NOT_REFUNDABLE", "input.paymentId"),
        (desk, refund, of(nobodys.clone()), "NOT_FOUND", "input.paymentId"),
        (desk, "paymentVoid", of(nonsense), "INVALID_ID", "input.paymentId"),
        (desk, "paymentVoid", of(nobodys), "NOT_FOUND", "input.paymentId"),
    ];
    all_are_refused(&stage, rows).await;
}

#[tokio::test]
async fn invalid_product_and_stock_input_is_refused() {
    let stage = Stage::with_mugs().await;
    stage.order(&stage.ada, &[("MUG", 40)]).await;
    let admin = &stage.admin;
    let product = |more| with(json!({"sku": "INK", "name": "Ink", "price": usd(1)}), more);
    let stock = |more| with(json!({"sku": "INK", "idempotencyKey": key()}), more);
    let adjust = |kind: &str, quantity: i64| {
        json!({"sku": "MUG", "kind": kind, "quantity": quantity, "reason": "Counted",
            "idempotencyKey": key()})
    };
    let (create, register, change) = ("productCreate", "inventoryRegister", "inventoryAdjust");
    let no_reason =
        json!({"sku": "MUG", "kind": "DAMAGE", "quantity": -1, "idempotencyKey": key()});
    let card = with(no_reason.clone(), json!({"reason": "5555-5555-5555-4444"}));
    let rows: Vec<Row<'_>> = vec![
        (admin, create, product(json!({"sku": "MUG"})), "PRODUCT_EXISTS", "input.sku"),
        (admin, create, product(json!({"sku": "a b"})), "INVALID_SKU", "input.sku"),
        (admin, create, product(json!({"name": ""})), "INVALID_TEXT", "input.name"),
        (admin, create, product(json!({"price": usd(0)})), "INVALID_AMOUNT", "input.price"),
        (admin, create, product(json!({"price": usd(-5)})), "INVALID_AMOUNT", "input.price"),
        (
            admin,
            create,
            product(json!({"price": money(1, "ABC")})),
            "INVALID_CURRENCY",
            "input.price",
        ),
        (
            admin,
            "productReprice",
            json!({"sku": "MUG", "price": money(1, "EUR")}),
            "CURRENCY_MISMATCH",
            "input.price",
        ),
        (
            admin,
            "productReprice",
            json!({"sku": "INK", "price": usd(1)}),
            "PRODUCT_NOT_FOUND",
            "input.sku",
        ),
        (admin, "productDiscontinue", json!({"sku": "INK"}), "PRODUCT_NOT_FOUND", "input.sku"),
        (admin, register, stock(json!({"sku": "MUG"})), "INVENTORY_EXISTS", "input.sku"),
        (admin, register, stock(json!({"onHand": -1})), "INVALID_QUANTITY", "input.onHand"),
        (
            admin,
            register,
            stock(json!({"onHand": 1_000_000_001})),
            "INVALID_QUANTITY",
            "input.onHand",
        ),
        (
            admin,
            register,
            stock(json!({"reorderLevel": -1})),
            "INVALID_QUANTITY",
            "input.reorderLevel",
        ),
        (admin, change, adjust("ADJUSTMENT", -61), "BELOW_RESERVED", "input.quantity"),
        (admin, change, adjust("DAMAGE", -101), "BELOW_RESERVED", "input.quantity"),
        (admin, change, adjust("DAMAGE", 1), "INVALID_QUANTITY", "input.quantity"),
        (admin, change, adjust("PURCHASE", -1), "INVALID_QUANTITY", "input.quantity"),
        (admin, change, adjust("ADJUSTMENT", 0), "INVALID_QUANTITY", "input.quantity"),
        (admin, change, adjust("PURCHASE", 1_000_000_000), "INVALID_QUANTITY", "input.quantity"),
        (admin, change, adjust("ADJUSTMENT", i64::MIN), "INVALID_QUANTITY", "input.quantity"),
        (admin, change, no_reason, "REASON_REQUIRED", "input.reason"),
        (admin, change, card, "CARD_NUMBER_REFUSED", "input.reason"),
        (
            admin,
            change,
            with(adjust("DAMAGE", -1), json!({"sku": "INK"})),
            "INVENTORY_NOT_FOUND",
            "input.sku",
        ),
    ];
    all_are_refused(&stage, rows).await;
    assert_eq!(stage.figures("MUG").await, [60, 40, 100]);
}

/// A missing key, an unknown enum value, an unknown field: the request is refused before any
/// resolver runs.
#[tokio::test]
async fn input_that_the_schema_does_not_allow_is_not_executed() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let place = order_input(&key());
    let mut no_key = place.clone();
    no_key.as_object_mut().unwrap().remove("idempotencyKey");
    let pay = |more| with(json!({"orderId": order, "idempotencyKey": key()}), more);
    let rows = [
        (&stage.ada, "orderPlace", no_key),
        (&stage.ada, "orderPlace", with(place.clone(), json!({"idempotencyKey": null}))),
        (&stage.ada, "orderPlace", with(place.clone(), json!({"total": usd(1)}))),
        (&stage.ada, "orderPlace", with(place, json!({"contact": null}))),
        (&stage.ada, "orderCancel", json!({"orderId": order})),
        (&stage.ada, "paymentStart", json!({"orderId": order, "token": "tok_success"})),
        (&stage.ada, "paymentStart", pay(json!({"token": "t", "method": "BARTER"}))),
        (&stage.ada, "paymentStart", pay(json!({"token": "t", "capture": "LATER"}))),
        (&stage.ada, "cartLinesAdd", json!({"lines": [{"sku": "MUG", "quantity": "1"}]})),
        (&stage.ada, "cartLinesAdd", json!({"lines": [{"sku": "MUG", "quantity": 1.5}]})),
        (&stage.ada, "cartLinesAdd", json!({"lines": [{"sku": "MUG"}]})),
        (
            &stage.admin,
            "inventoryAdjust",
            json!({"sku": "MUG", "kind": "THEFT", "quantity": -1,
            "reason": "r", "idempotencyKey": key()}),
        ),
        (&stage.admin, "inventoryRegister", json!({"sku": "INK"})),
        (&stage.desk, "paymentCapture", json!({"paymentId": order})),
        (&stage.desk, "paymentVoid", json!({"paymentId": order})),
        (&stage.desk, "paymentRefund", json!({"paymentId": order})),
    ];
    let head = stage.head().await;
    for (who, mutation, input) in rows {
        let (first, rest) = mutation.split_at(1);
        let query = format!(
            "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ position }} }}",
            first.to_uppercase()
        );
        let answer = who.try_ask(&query, json!({"input": input})).await.unwrap();
        assert!(answer["errors"][0]["message"].is_string(), "{mutation} {input}\n{answer:#}");
        let code = text(&answer["errors"][0]["extensions"]["code"]);
        let codes = ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"];
        assert!(codes.contains(&&*code), "{mutation} {input}\n{answer:#}");
        assert_eq!(stage.head().await, head, "{mutation} wrote something");
    }
    assert_eq!(id(&stage.see(&stage.ada, &order).await), order);
}
