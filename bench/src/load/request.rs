//! `cartLinesAdd` as bytes, made before the clock starts; only the idempotency key is written per call.

use uuid::Uuid;

use super::shoppers::{SKUS_PER_CART, Shopper, sku};

/// What a storefront sends and asks for when something is put into a cart.
pub const CART_LINES_ADD: &str = "mutation AddToCart($input: CartLinesAddInput!) { \
    cartLinesAdd(input: $input) { \
    cart { id version itemCount } errors { code message } position replayed } }";

const KEY_BYTES: usize = 36;

/// A request with a place for its key.
#[derive(Debug)]
pub struct Template {
    bytes: Vec<u8>,
    key_at: usize,
}

impl Template {
    /// One unit of the shopper's `n`-th favourite.
    pub fn cart_lines_add(shopper: &Shopper, n: usize) -> Template {
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
        // Ids are never nil, so the blank is found nowhere else.
        let key_at = text.find(&blank).unwrap_or_else(|| unreachable!("the key was written"));
        Template { bytes: text.into_bytes(), key_at }
    }

    /// The request under this key, in a buffer that is used again and again.
    pub fn write<'b>(&self, key: Uuid, buffer: &'b mut Vec<u8>) -> &'b [u8] {
        buffer.clear();
        buffer.extend_from_slice(&self.bytes);
        key.hyphenated().encode_lower(&mut buffer[self.key_at..self.key_at + KEY_BYTES]);
        buffer
    }
}

/// All the requests of one shopper.
pub fn templates(shopper: &Shopper) -> Vec<Template> {
    (0..SKUS_PER_CART).map(|n| Template::cart_lines_add(shopper, n)).collect()
}

/// A whole request to the GraphQL endpoint.
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
        let template = Template { bytes: format!("a{}b", Uuid::nil()).into_bytes(), key_at: 1 };
        let key = Uuid::from_u128(7);
        assert_eq!(template.write(key, &mut vec![]), format!("a{key}b").as_bytes());
    }
}
