//! Text that people type: of limited length, without control characters and card numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::card::contains_card_number;
use crate::grouped::grouped;
use crate::{ErrorCode, Invalid};

/// A text of at least one visible character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// A name or a title.
    pub const SHORT: usize = 200;
    /// A description or a note.
    pub const LONG: usize = 5_000;

    /// Removes white space at both ends and checks the text; `max` counts characters.
    pub fn new(text: &str, max: usize) -> Result<Self, Invalid> {
        let text = Text::bounded(text, max)?;
        if contains_card_number(text.as_str()) {
            let message =
                "the text seems to contain a card number, which must not be stored; remove it";
            return Err(Invalid::new(ErrorCode::CardNumberRefused, message));
        }
        Ok(text)
    }

    /// A reference from another company, such as a carrier's tracking number. It may look like a
    /// card number.
    pub fn reference(text: &str) -> Result<Self, Invalid> {
        Text::bounded(text, Text::SHORT)
    }

    fn bounded(text: &str, max: usize) -> Result<Self, Invalid> {
        let text = text.trim();
        let visible = |c: char| !c.is_control() || c == '\n' || c == '\t';
        if text.is_empty() {
            return Err(Invalid::new(ErrorCode::InvalidText, "the text must not be empty"));
        }
        let length = text.chars().count();
        if length > max {
            let message = format!(
                "the text must have at most {} characters, got {}",
                grouped(max as u64),
                grouped(length as u64)
            );
            return Err(Invalid::new(ErrorCode::InvalidText, message));
        }
        if !text.chars().all(visible) {
            let message = "the text must not contain control characters";
            return Err(Invalid::new(ErrorCode::InvalidText, message));
        }
        Ok(Text(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
