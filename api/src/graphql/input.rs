//! Parses the input of a mutation into values of the domain. An error names the input field that it is about.

use std::str::FromStr;

use async_graphql::ID;
use domain::{ErrorCode, Invalid, Quantity, Sku, Text};
use uuid::Uuid;

use super::errors::{Failure, UserError, in_input};
use super::money::MoneyInput;

/// Collects every error of an input, so that one answer names them all.
#[derive(Debug, Default)]
pub struct Parser {
    errors: Vec<UserError>,
}

/// The path of a field below `input`: names of fields and indexes into lists.
pub type Path<'p> = &'p [&'p str];

impl Parser {
    /// Returns the value, or adds the error under this path and returns `None`.
    pub fn accept<T>(&mut self, path: Path<'_>, value: Result<T, Invalid>) -> Option<T> {
        let full_path = || std::iter::once("input").chain(path.iter().copied()).map(str::to_owned);
        let add_error =
            |invalid| self.errors.push(UserError::invalid(invalid, full_path().collect()));
        value.map_err(add_error).ok()
    }

    pub fn parse<T: FromStr<Err = Invalid>>(&mut self, path: Path<'_>, text: &str) -> Option<T> {
        self.accept(path, text.parse())
    }

    pub fn text(&mut self, path: Path<'_>, text: &str, max: usize) -> Option<Text> {
        self.accept(path, Text::new(text, max))
    }

    /// Parses a text that may be left out. The outer `None` means an error, the inner one that there is no text.
    pub fn optional_text(
        &mut self,
        path: Path<'_>,
        text: Option<&String>,
        max: usize,
    ) -> Option<Option<Text>> {
        match text {
            Some(text) => self.text(path, text, max).map(Some),
            None => Some(None),
        }
    }

    pub fn sku(&mut self, path: Path<'_>, sku: &str) -> Option<Sku> {
        self.parse(path, sku)
    }

    pub fn quantity(&mut self, path: Path<'_>, quantity: i64) -> Option<Quantity> {
        self.accept(path, Quantity::new(quantity))
    }

    pub fn money(&mut self, path: Path<'_>, money: &MoneyInput) -> Option<domain::Money> {
        self.accept(path, domain::Money::try_from(money))
    }

    pub fn optional_money(
        &mut self,
        path: Path<'_>,
        money: Option<&MoneyInput>,
    ) -> Option<Option<domain::Money>> {
        match money {
            Some(money) => self.money(path, money).map(Some),
            None => Some(None),
        }
    }

    pub fn id(&mut self, path: Path<'_>, id: &ID) -> Option<Uuid> {
        let message = "the text is not an id; ids are UUIDs";
        self.accept(path, id.parse().map_err(|_| Invalid::new(ErrorCode::InvalidId, message)))
    }

    /// Parses a number of units that may be 0.
    pub fn units(&mut self, path: Path<'_>, units: i64) -> Option<u32> {
        let message =
            || format!("the number of units must be between 0 and 1,000,000,000, got {units}");
        let within = u32::try_from(units).ok().filter(|units| *units <= 1_000_000_000);
        self.accept(path, within.ok_or_else(|| Invalid::new(ErrorCode::InvalidQuantity, message())))
    }

    fn finish<T>(self, parsed: Option<T>) -> Result<T, Failure> {
        match parsed {
            Some(parsed) if self.errors.is_empty() => Ok(parsed),
            _ => Err(Failure::InPayload(self.errors)),
        }
    }
}

/// Parses an input. `read` must parse all fields before it returns `None` for one with an error, so that the errors of all
/// fields are collected.
///
/// # Errors
/// All errors that were collected.
pub fn parse<T>(read: impl FnOnce(&mut Parser) -> Option<T>) -> Result<T, Failure> {
    let mut parser = Parser::default();
    let parsed = read(&mut parser);
    parser.finish(parsed)
}

/// Parses the id in this field of the input.
pub fn parse_id(field: &str, id: &ID) -> Result<Uuid, Failure> {
    parse(|parser| parser.id(&[field], id))
}

/// Parses the SKU in this field of the input.
pub fn parse_sku(field: &str, sku: &str) -> Result<Sku, Failure> {
    sku.parse().map_err(|invalid| UserError::invalid(invalid, in_input(field)).into())
}
