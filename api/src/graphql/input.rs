//! Makes values of the domain from a mutation's input. An error names the input field that it is about.

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
    pub fn take<T>(&mut self, path: Path<'_>, value: Result<T, Invalid>) -> Option<T> {
        let owned = || std::iter::once("input").chain(path.iter().copied()).map(str::to_owned);
        let note = |invalid| self.errors.push(UserError::invalid(invalid, owned().collect()));
        value.map_err(note).ok()
    }

    pub fn parse<T: FromStr<Err = Invalid>>(&mut self, path: Path<'_>, text: &str) -> Option<T> {
        self.take(path, text.parse())
    }

    pub fn text(&mut self, path: Path<'_>, text: &str, max: usize) -> Option<Text> {
        self.take(path, Text::new(text, max))
    }

    /// The outer `None` is an error, the inner one a text that was not given.
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
        self.take(path, Quantity::new(quantity))
    }

    pub fn money(&mut self, path: Path<'_>, money: &MoneyInput) -> Option<domain::Money> {
        self.take(path, domain::Money::try_from(money))
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
        let message = "this is no id";
        self.take(path, id.parse().map_err(|_| Invalid::new(ErrorCode::InvalidId, message)))
    }

    /// A number of units that is not negative.
    pub fn units(&mut self, path: Path<'_>, units: i64) -> Option<u32> {
        let message = "this is a number of units from 0 to 1000000000";
        let within = u32::try_from(units).ok().filter(|units| *units <= 1_000_000_000);
        self.take(path, within.ok_or_else(|| Invalid::new(ErrorCode::InvalidQuantity, message)))
    }

    fn finish<T>(self, parsed: Option<T>) -> Result<T, Failure> {
        match parsed {
            Some(parsed) if self.errors.is_empty() => Ok(parsed),
            _ => Err(Failure::User(self.errors)),
        }
    }
}

/// Parses an input. `read` parses every field before it ends, by `?`, at the first that has an error.
///
/// # Errors
/// All errors that the parser has collected.
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
