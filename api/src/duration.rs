//! Durations as people write them: `15m`, `90s`, `1h`, `250ms`, `7d`.

use std::time::Duration;

/// The text is not a duration.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a duration must be a whole number and one of ms, s, m, h, d, such as 15m")]
pub struct DurationError;

/// Parses a duration such as `15m`.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(DurationError)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| DurationError)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(DurationError),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or(DurationError)
}

/// Formats a duration of whole milliseconds in the largest unit that divides it, so that [`parse`] reads it back.
pub fn format(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    match units.into_iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formatted_duration_is_parsed_back() {
        for text in ["250ms", "5s", "15m", "1h", "7d", "90s", "0ms"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
        assert_eq!(format(parse("60m").unwrap()), "1h");
    }

    #[test]
    fn a_text_that_is_not_a_duration_is_refused() {
        for text in [
            "",
            "15",
            "m",
            "1.5h",
            "-1s",
            "15 m",
            "15min",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(parse(text), Err(DurationError), "{text}");
        }
    }
}
