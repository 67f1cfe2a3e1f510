//! Renders every message: `tests/mail` holds the texts as their recipients read them, and
//! `UPDATE_GOLDEN=1 cargo test -p commands` writes them.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta};
use domain::notification::{Message, MessageItem, MessageLine, Template};
use domain::order::{CancelReason, Restocking, Totals};
use domain::{Money, Quantity, Text};

use super::{RenderedMessage, Templates, one_line};

fn text(text: &str) -> Text {
    Text::new(text, Text::LONG).unwrap()
}

fn units(units: i64) -> Quantity {
    Quantity::new(units).unwrap()
}

fn money(amount: i64, currency: &str) -> Money {
    Money::new(amount, currency.parse().unwrap())
}

fn totals(currency: &str, [subtotal, shipping, discount, tax, total]: [i64; 5]) -> Totals {
    let money = |amount| money(amount, currency);
    Totals {
        subtotal: money(subtotal),
        shipping: money(shipping),
        shipping_tax: money(0),
        discount: money(discount),
        tax: money(tax),
        total: money(total),
    }
}

/// One of each, with amounts of none, two and three digits after the point among them.
fn message(template: Template) -> Message {
    let number = "A-1001".to_owned();
    let items = || {
        vec![
            MessageItem { name: text("A mug, \"large\""), quantity: units(2) },
            MessageItem { name: text("Tea & biscuits"), quantity: units(1) },
        ]
    };
    match template {
        Template::OrderConfirmation => Message::OrderConfirmation {
            number,
            lines: vec![
                MessageLine {
                    name: text("A mug, \"large\""),
                    quantity: units(2),
                    total: money(4_998, "USD"),
                },
                MessageLine {
                    name: text("Tea & biscuits"),
                    quantity: units(1),
                    total: money(300, "USD"),
                },
            ],
            totals: totals("USD", [5_298, 644, 500, 585, 6_027]),
        },
        Template::PaymentConfirmation => {
            Message::PaymentConfirmation { number, amount: money(1_200, "JPY") }
        }
        Template::OrderProcessing => Message::OrderProcessing { number },
        Template::OrderShipped => Message::OrderShipped {
            number,
            items: items(),
            carrier: Some(text("Pigeon Post")),
            tracking_number: Some(text("PP-0042")),
            estimated_delivery: Some(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)),
        },
        Template::OrderDelivered => Message::OrderDelivered { number, items: items() },
        Template::OrderCancelled => {
            Message::OrderCancelled { number, reason: CancelReason::OutOfStock }
        }
        Template::OrderExpired => Message::OrderExpired { number },
        Template::PaymentFailed => {
            Message::PaymentFailed { number, reason: "the card was declined".to_owned() }
        }
        Template::Refund => Message::Refund { number, amount: money(1_250, "KWD") },
        Template::ReturnAccepted => {
            Message::ReturnAccepted { number, items: items(), restocked: Restocking::Restocked }
        }
        Template::LowStock => Message::LowStock {
            sku: "MUG".parse().unwrap(),
            available: 3,
            reorder_level: 5,
            reorder_quantity: 40,
        },
    }
}

fn render(shop: &str, name: &str, message: &Message) -> RenderedMessage {
    Templates::new().unwrap().render(shop, name, message).unwrap()
}

fn golden(file: &str, rendered: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mail").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, rendered).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(rendered, golden, "{} has changed", path.display());
}

#[test]
fn every_message_equals_its_golden_files() {
    for template in Template::ALL {
        let rendered = render("Mugs & more", "Ada", &message(template));
        golden(
            &format!("{}.txt", template.as_str()),
            &format!("{}\n\n{}\n", rendered.subject, rendered.text),
        );
        golden(&format!("{}.html", template.as_str()), &rendered.html);
    }
}

#[test]
fn markup_in_names_is_escaped() {
    let script = "<script>alert('1')</script>";
    let name = text(script);
    let quantity = units(1);
    let shipped = Message::OrderShipped {
        number: script.to_owned(),
        items: vec![MessageItem { name: name.clone(), quantity }],
        carrier: Some(name.clone()),
        tracking_number: Some(name.clone()),
        estimated_delivery: None,
    };
    let confirmed = Message::OrderConfirmation {
        number: script.to_owned(),
        lines: vec![MessageLine { name: name.clone(), quantity, total: money(1, "USD") }],
        totals: totals("USD", [1; 5]),
    };
    let reason = CancelReason::Customer(Some(name));
    let cancelled = Message::OrderCancelled { number: script.to_owned(), reason };
    let declined = Message::PaymentFailed { number: script.to_owned(), reason: script.to_owned() };
    for message in [shipped, confirmed, cancelled, declined] {
        let rendered = render(script, script, &message);
        assert!(!rendered.html.contains("<script"), "{}", rendered.html);
        assert!(rendered.html.contains("&lt;script&gt;"), "{}", rendered.html);
        assert!(rendered.text.contains(script), "{}", rendered.text);
    }
}

#[test]
fn a_subject_is_one_line() {
    let message = Message::OrderProcessing { number: "A-1\r\nBcc: eve@example.com".to_owned() };
    let rendered = render("Mugs", "Ada", &message);
    assert_eq!(rendered.subject, "Your order A-1 Bcc: eve@example.com is being packed");
    assert_eq!(one_line(" a\u{0}\tb\u{85}c "), "a b c");
}

#[test]
fn charges_of_zero_are_not_mentioned() {
    let lines =
        vec![MessageLine { name: text("A mug"), quantity: units(1), total: money(1_000, "USD") }];
    let totals = totals("USD", [1_000, 0, 0, 0, 1_000]);
    let message = Message::OrderConfirmation { number: "A-1".to_owned(), lines, totals };
    let RenderedMessage { text, html, .. } = render("Mugs", "Ada", &message);
    for word in ["Discount", "Shipping", "Tax"] {
        assert!(!text.contains(word) && !html.contains(word), "{text}");
    }
}
