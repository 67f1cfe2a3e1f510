//! Values that the tests use.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use crate::cart::Owner;
use crate::coupon::CouponCode;
use crate::order::{Placed, PlacedLine, Totals};
use crate::pricing::Tax;
use crate::{
    CartId, CustomerId, Money, OrderId, PaymentId, Personal, Quantity, Sku, SubjectId, Text,
    Timestamp,
};

/// So many minutes after a fixed time.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

pub(crate) fn sku(sku: &str) -> Sku {
    sku.parse().unwrap()
}

pub(crate) fn text(text: &str) -> Text {
    Text::new(text, Text::LONG).unwrap()
}

pub(crate) fn units(units: i64) -> Quantity {
    Quantity::new(units).unwrap()
}

pub(crate) fn usd(cents: i64) -> Money {
    Money::new(cents, "USD".parse().unwrap())
}

pub(crate) fn eur(cents: i64) -> Money {
    Money::new(cents, "EUR".parse().unwrap())
}

pub(crate) fn order_id(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(number))
}

pub(crate) fn payment_id(number: u128) -> PaymentId {
    PaymentId(Uuid::from_u128(number))
}

pub(crate) fn cart_id(number: u128) -> CartId {
    CartId(Uuid::from_u128(number))
}

pub(crate) fn customer() -> CustomerId {
    CustomerId::new("https://login.example", "ada")
}

pub(crate) fn sealed(ciphertext: &str) -> Personal {
    let subject = SubjectId(customer().0);
    Personal { subject, nonce: "bm9uY2U=".into(), ciphertext: ciphertext.into() }
}

/// An order of two mugs at 12.50 and three teas at 3.00, placed at minute 0 and reserved until
/// minute 15.
pub(crate) fn placed() -> Placed {
    let line = |name: &str, quantity, price: Money| PlacedLine {
        sku: sku(name),
        name: text(name),
        quantity: units(quantity),
        unit_price: price,
        total: price.times(units(quantity)).unwrap(),
        discount: usd(0),
        tax: usd(0),
    };
    Placed {
        number: "A-1001".into(),
        cart: cart_id(1),
        buyer: Owner::Guest,
        contact: sealed("contact"),
        shipping_address: sealed("address"),
        lines: vec![line("MUG", 2, usd(1250)), line("TEA", 3, usd(300))],
        totals: Totals {
            subtotal: usd(3400),
            shipping: usd(0),
            shipping_tax: usd(0),
            discount: usd(0),
            tax: usd(0),
            total: usd(3400),
        },
        tax: Tax::default(),
        coupon: None,
        reserved_until: minute(15),
        at: minute(0),
    }
}

/// The lifetime of a cart in most tests, in seconds.
pub(crate) const WEEK: u32 = 7 * 24 * 60 * 60;

pub(crate) fn coupon_code(code: &str) -> CouponCode {
    code.parse().unwrap()
}
