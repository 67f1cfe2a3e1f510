//! Values that exist are valid: which values are accepted, and which are refused.

use std::str::FromStr;

use domain::{
    CartId, Currency, CustomerId, Email, ErrorCode, Event, Invalid, Kind, Money, MoneyError,
    Quantity, Sku, State, StreamId, Text,
};

use crate::samples::{eur, sku, units, usd};

fn refused<T: std::fmt::Debug>(value: Result<T, Invalid>, code: ErrorCode) {
    assert_eq!(value.map_err(|invalid| invalid.code).unwrap_err(), code);
}

fn customer() -> CustomerId {
    CustomerId::new("https://login.example", "ada")
}

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

#[test]
fn money_is_written_with_the_digits_of_its_currency() {
    for (amount, code, formatted) in [
        (2499, "USD", "24.99 USD"),
        (5, "USD", "0.05 USD"),
        (0, "USD", "0.00 USD"),
        (-5, "USD", "-0.05 USD"),
        (1200, "JPY", "1200 JPY"),
        (-1, "JPY", "-1 JPY"),
        (1250, "KWD", "1.250 KWD"),
        (7, "KWD", "0.007 KWD"),
        (i64::MIN, "USD", "-92233720368547758.08 USD"),
        (i64::MAX, "BHD", "9223372036854775.807 BHD"),
    ] {
        assert_eq!(Money::new(amount, currency(code)).to_string(), formatted);
    }
}

#[test]
fn money_is_added_subtracted_and_multiplied() {
    assert_eq!(usd(1250).plus(usd(300)), Ok(usd(1550)));
    assert_eq!(usd(300).minus(usd(1250)), Ok(usd(-950)));
    assert_eq!(usd(1250).times(units(3)), Ok(usd(3750)));
    assert!(Money::zero(Currency::USD).is_zero());
}

#[test]
fn currencies_are_not_mixed() {
    let mismatch = MoneyError::CurrencyMismatch(currency("USD"), currency("EUR"));
    assert_eq!(usd(1).plus(eur(1)), Err(mismatch));
    assert_eq!(usd(1).minus(eur(1)), Err(mismatch));
}

#[test]
fn a_sum_that_overflows_is_an_error() {
    assert_eq!(usd(i64::MAX).plus(usd(1)), Err(MoneyError::Overflow));
    assert_eq!(usd(i64::MIN).minus(usd(1)), Err(MoneyError::Overflow));
    assert_eq!(usd(i64::MAX / 2).times(units(3)), Err(MoneyError::Overflow));
}

#[test]
fn a_currency_is_a_code_of_iso_4217() {
    for (code, exponent) in [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("XCG", 2)] {
        assert_eq!(currency(code).exponent(), exponent);
        assert_eq!(currency(code).code(), code);
    }
    for code in ["", "US", "usd", "USDX", "XXX", "D U", "€€€", "AED AFN"] {
        refused(Currency::from_str(code), ErrorCode::InvalidCurrency);
    }
    assert!(serde_json::from_str::<Currency>("\"XXX\"").is_err());
}

#[test]
fn money_is_stored_as_an_amount_and_a_currency() {
    let stored = r#"{"amount":2499,"currency":"USD"}"#;
    assert_eq!(serde_json::to_string(&usd(2499)).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Money>(stored).unwrap(), usd(2499));
}

#[test]
fn a_quantity_is_1_to_10_000() {
    for number in [1, 2, 10_000] {
        assert_eq!(Quantity::new(number).unwrap().units(), number);
    }
    for number in [0, -1, 10_001, i64::MIN, i64::MAX, i64::from(u32::MAX) + 2] {
        refused(Quantity::new(number), ErrorCode::InvalidQuantity);
    }
    assert_eq!(units(3).plus(units(4)), Ok(units(7)));
    refused(units(10_000).plus(Quantity::ONE), ErrorCode::InvalidQuantity);
}

#[test]
fn a_text_is_bounded_visible_and_without_card_numbers() {
    let text = |text: &str| Text::new(text, 10);
    assert_eq!(text(" a cup\n").unwrap().as_str(), "a cup");
    assert_eq!(text("two\n\tlines").unwrap().as_str(), "two\n\tlines");
    assert!(text("ÄÖÜäöüßéèê").is_ok(), "characters are counted, not bytes");
    for bad in ["", " \n ", "12345678901", "bell\u{7}", "zero\0"] {
        refused(text(bad), ErrorCode::InvalidText);
    }
    refused(Text::new("it is 4242 4242 4242 4242", Text::SHORT), ErrorCode::CardNumberRefused);
    let tracking = Text::reference(" 4242424242424242 ").unwrap();
    assert_eq!(tracking.as_str(), "4242424242424242", "a reference may look like a card number");
    refused(Text::reference(&"x".repeat(201)), ErrorCode::InvalidText);
}

#[test]
fn a_sku_has_letters_digits_dots_dashes_and_underscores() {
    let longest = "x".repeat(64);
    for good in ["A", "mug-12.5_blue", longest.as_str()] {
        assert_eq!(sku(good).as_str(), good);
    }
    let too_long = "x".repeat(65);
    for bad in ["", "two words", "SKU/1", "Ä", "\n", too_long.as_str()] {
        refused(Sku::from_str(bad), ErrorCode::InvalidSku);
    }
    assert_ne!(sku("mug"), sku("MUG"));
}

#[test]
fn an_email_address_has_something_on_both_sides_of_one_at() {
    for good in ["ada@example.org", " ada@example.org ", "a+b@x"] {
        assert_eq!(good.parse::<Email>().unwrap().as_str(), good.trim());
    }
    let (long_name, long_host) = ("a".repeat(65) + "@x", "a@".to_owned() + &"x".repeat(253));
    for bad in ["", "@", "ada", "ada@", "@x", "a@b@x", "a b@x", "a@x\ny", &long_name, &long_host] {
        refused(bad.parse::<Email>(), ErrorCode::InvalidEmail);
    }
}

#[test]
fn the_same_key_is_always_the_same_stream() {
    // Stored ids are derived from these values, so they never change.
    for (id, stored) in [
        (sku("MUG").product(), "product/7378a7d9-5653-57bc-8f2f-f8f2e9970065"),
        (sku("MUG").inventory(), "inventory/e3fd16b4-9e2f-596c-beef-0ed3b46e4016"),
        (CartId::of_customer(customer(), 1).stream(), "cart/ea28dd2f-ea98-5148-9d86-86b68ce25de1"),
    ] {
        assert_eq!(id.to_string(), stored);
    }
    assert_eq!(customer().to_string(), "114a5dae-514d-540c-8742-8d25d0d0dbea");
}

#[test]
fn different_keys_are_different_streams() {
    let natural = |kind, key| StreamId::natural(kind, key);
    assert_ne!(natural(Kind::Product, "MUG").id, natural(Kind::Inventory, "MUG").id);
    assert_ne!(natural(Kind::Product, "MUG"), natural(Kind::Product, "mug"));
    assert_ne!(CartId::of_customer(customer(), 1), CartId::of_customer(customer(), 2));
    let ada_elsewhere = CustomerId::new("https://other.example", "ada");
    assert_ne!(customer(), ada_elsewhere);
}

#[test]
fn the_stored_name_of_a_kind_is_read_back() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        assert_eq!(State::absent(kind).kind(), kind);
    }
    assert_eq!("teapot".parse::<Kind>(), Err(()));
}

#[test]
fn a_payload_of_another_kind_is_not_decoded() {
    for payload in ["", "null", "{}", r#"{"order.confirmed":{}}"#, r#"{"cart.cleared":{}}"#] {
        let error = Event::decode(Kind::Order, payload).unwrap_err();
        assert_eq!(error.kind, Kind::Order);
        assert!(
            error
                .to_string()
                .starts_with("the payload cannot be read as an event of kind `order`: "),
            "{error}"
        );
    }
}
