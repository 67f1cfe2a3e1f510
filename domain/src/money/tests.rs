//! The table of currencies is complete.

use super::*;

#[test]
fn every_currency_is_known_by_its_code() {
    for code in CURRENCIES.split_ascii_whitespace() {
        assert_eq!(code.parse::<Currency>().unwrap().code(), code);
    }
}
