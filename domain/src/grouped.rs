//! Formats numbers for sentences.

/// The number with a comma between groups of three digits, such as `10,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn groups_have_three_digits() {
        let texts = [0, 999, 1_000, 10_000, 1_000_000_000].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "10,000", "1,000,000,000"]);
    }
}
