//! Complete HTTP requests, as a storefront sends them.
//!
//! The most frequent one, `cartLinesAdd`, is built before the clock starts; only the idempotency
//! key is written into it for each call.

use serde_json::json;
use uuid::Uuid;

use super::shopper::{SKUS_PER_CART, Shopper, sku};

/// The mutation that a storefront sends when a product is added to a cart.
pub const CART_LINES_ADD: &str = "mutation AddToCart($input: CartLinesAddInput!) { \
    cartLinesAdd(input: $input) { \
    cart { id version itemCount } errors { code message } position replayed } }";

const ORDER_PLACE: &str = "mutation PlaceOrder($input: OrderPlaceInput!) { \
    orderPlace(input: $input) { \
    order { id number status } errors { code message } position replayed } }";

const PAYMENT_START: &str = "mutation Pay($input: PaymentStartInput!) { \
    paymentStart(input: $input) { \
    payment { id status } errors { code message } position replayed } }";

const ORDER_STATES: &str = "query Paid($id: ID!) { order(id: $id) { status paymentState } }";

const CART_AT: &str = "query Cart($id: ID!, $at: Position) { \
    cart(id: $id, minPosition: $at) { id version itemCount } }";

/// The fields of an order that a storefront shows.
macro_rules! order_fields {
    () => {
        "id number status placedAt version total { amount currency } \
         lines { sku name quantity unitPrice { amount currency } total { amount currency } }"
    };
}

const ORDER_BY_ID: &str =
    concat!("query Order($id: ID!) { order(id: $id) { ", order_fields!(), " } }");

const ORDER_PAGE: &str = concat!(
    "query Orders($first: Int) { orders(first: $first) { nodes { ",
    order_fields!(),
    " } } }"
);

const PAGE_ORDERS: usize = 20;

const KEY_BYTES: usize = 36;

/// A request into which an idempotency key is written.
#[derive(Debug)]
pub struct RequestTemplate {
    bytes: Vec<u8>,
    key_at: usize,
}

impl RequestTemplate {
    /// Adds one unit of the shopper's `n`-th favourite product.
    pub fn cart_lines_add(shopper: &Shopper, n: usize) -> RequestTemplate {
        let blank = Uuid::nil().to_string();
        let body = serde_json::json!({
            "query": CART_LINES_ADD,
            "operationName": "AddToCart",
            "variables": { "input": {
                "cartId": shopper.cart.0.to_string(),
                "lines": [{ "sku": sku(shopper.favourites + n), "quantity": 1 }],
                "idempotencyKey": blank,
            } },
        });
        let text = post(&shopper.token, &body);
        // No id is nil, so the placeholder key occurs only once.
        let key_at = text.find(&blank).unwrap_or_else(|| unreachable!("the key was written"));
        RequestTemplate { bytes: text.into_bytes(), key_at }
    }

    /// Writes the request with this key into a buffer that the caller reuses.
    pub fn write<'b>(&self, key: Uuid, buffer: &'b mut Vec<u8>) -> &'b [u8] {
        buffer.clear();
        buffer.extend_from_slice(&self.bytes);
        key.hyphenated().encode_lower(&mut buffer[self.key_at..self.key_at + KEY_BYTES]);
        buffer
    }
}

/// The `cartLinesAdd` requests of one shopper.
pub fn templates(shopper: &Shopper) -> Vec<RequestTemplate> {
    (0..SKUS_PER_CART).map(|n| RequestTemplate::cart_lines_add(shopper, n)).collect()
}

/// Adds one unit of each SKU to the shopper's current cart.
pub fn cart_fill(shopper: &Shopper, skus: &[String], key: Uuid) -> String {
    let lines: Vec<_> = skus.iter().map(|sku| json!({ "sku": sku, "quantity": 1 })).collect();
    let input = json!({ "lines": lines, "idempotencyKey": key });
    post(&shopper.token, &json!({ "query": CART_LINES_ADD, "variables": { "input": input } }))
}

/// Orders everything in the shopper's current cart.
pub fn order_place(shopper: &Shopper, key: Uuid) -> String {
    let input = json!({
        "contact": { "name": "Ada Lovelace", "email": "ada@example.com", "phone": "+44 20 7946 0958" },
        "shippingAddress": {
            "street": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4JH",
            "country": "GB",
        },
        "idempotencyKey": key,
    });
    post(&shopper.token, &json!({ "query": ORDER_PLACE, "variables": { "input": input } }))
}

/// Pays by card; the money is captured as soon as the order is confirmed.
pub fn payment_start(shopper: &Shopper, order: Uuid, key: Uuid) -> String {
    let input = json!({ "orderId": order, "token": "tok_success", "idempotencyKey": key });
    post(&shopper.token, &json!({ "query": PAYMENT_START, "variables": { "input": input } }))
}

pub fn order_states(shopper: &Shopper, order: Uuid) -> String {
    post(&shopper.token, &json!({ "query": ORDER_STATES, "variables": { "id": order } }))
}

/// Queries the shopper's first cart as of a position.
pub fn cart_at(shopper: &Shopper, position: i64) -> String {
    let variables = json!({ "id": shopper.cart.0, "at": position.to_string() });
    post(&shopper.token, &json!({ "query": CART_AT, "variables": variables }))
}

pub fn order_by_id(token: &str, order: Uuid) -> String {
    post(token, &json!({ "query": ORDER_BY_ID, "variables": { "id": order } }))
}

/// Queries the latest orders.
pub fn order_page(token: &str) -> String {
    post(token, &json!({ "query": ORDER_PAGE, "variables": { "first": PAGE_ORDERS } }))
}

/// Builds a complete request to the GraphQL endpoint.
pub fn post(token: &str, body: &serde_json::Value) -> String {
    let body = body.to_string();
    format!(
        "POST /graphql HTTP/1.1\r\n\
         Host: shop.example\r\n\
         Content-Type: application/json\r\n\
         Accept: application/graphql-response+json, application/json\r\n\
         Authorization: Bearer {token}\r\n\
         Content-Length: {length}\r\n\r\n{body}",
        length = body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_where_the_blank_was() {
        let template =
            RequestTemplate { bytes: format!("a{}b", Uuid::nil()).into_bytes(), key_at: 1 };
        let key = Uuid::from_u128(7);
        assert_eq!(template.write(key, &mut vec![]), format!("a{key}b").as_bytes());
    }
}
