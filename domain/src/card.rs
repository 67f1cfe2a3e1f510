//! Finds card numbers in text, so that none is ever stored.

/// Whether a text seems to contain a card number: 13 to 19 digits, in one group or in several
/// groups separated by spaces or dashes, that have the prefix of a card network and the check digit
/// of ISO/IEC 7812-1, annex B (Luhn). Other groups before or after them, such as a date or a
/// security code, do not hide them.
pub(crate) fn contains_card_number(text: &str) -> bool {
    let other = |c: char| !c.is_ascii_digit() && !matches!(c, ' ' | '-');
    text.split(other).any(|stretch| {
        let groups: Vec<&[u8]> =
            stretch.split([' ', '-']).filter(|g| !g.is_empty()).map(str::as_bytes).collect();
        (0..groups.len()).any(|first| begins_card_number(&groups[first..]))
    })
}

fn begins_card_number(groups: &[&[u8]]) -> bool {
    let mut digits = Vec::new();
    for group in groups {
        digits.extend(group.iter().map(|digit| digit - b'0'));
        if digits.len() > 19 {
            return false;
        }
        if is_card_number(&digits) {
            return true;
        }
    }
    false
}

fn is_card_number(digits: &[u8]) -> bool {
    (13..=19).contains(&digits.len()) && has_issuer_prefix(digits) && passes_luhn(digits)
}

/// Visa 4, Mastercard 51–55 and 2221–2720, American Express 34 and 37, Discover 6011 and
/// 644–65, Diners 30, 36, 38 and 39, JCB 3528–3589, UnionPay 62, Maestro 50 and 56–69, RuPay 81
/// and 82.
fn has_issuer_prefix(digits: &[u8]) -> bool {
    let prefix = |n: usize| digits[..n].iter().fold(0u32, |sum, d| sum * 10 + u32::from(*d));
    matches!(prefix(1), 4)
        || matches!(prefix(2), 30 | 34 | 36..=39 | 50..=69 | 81 | 82)
        || matches!(prefix(4), 2221..=2720 | 3528..=3589)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(position, &digit)| luhn_value(position, digit.into()))
        .sum();
    sum.is_multiple_of(10)
}

/// Counted from the right, every second digit is doubled, and its own digits are added up.
fn luhn_value(position: usize, digit: u32) -> u32 {
    if position.is_multiple_of(2) { digit } else { digit * 2 / 10 + digit * 2 % 10 }
}

#[cfg(test)]
mod tests {
    use super::contains_card_number;

    #[test]
    fn test_numbers_of_all_card_networks_are_found() {
        for number in [
            "4242424242424242",
            "pay with 4242 4242 4242 4242 please",
            "5555-5555-5555-4444",
            "378282246310005",
            "6011111111111117",
            "2223003122003222",
            "4242 4242 4242 4242 123",
            "27 4242  4242  4242  4242",
            "4242 4242 4242 4242 12-27 123",
        ] {
            assert!(contains_card_number(number), "{number}");
        }
    }

    #[test]
    fn other_numbers_are_not_taken_for_card_numbers() {
        for text in [
            "",
            "call +1 202 555 0143",
            "4242424242424241",
            "order 10000000000000",
            "1Z999AA10123456784",
            "42424242424242424242",
            "4242.4242.4242.4242",
            "2026-11-21 12-30",
        ] {
            assert!(!contains_card_number(text), "{text}");
        }
    }
}
