//! The hash of a mutation's input, by which a repeated request is distinguished from another one with the same key.
//!
//! The typed input is hashed, so that two spellings of one value have one hash. It has the field names of the schema, and
//! only the fields that were sent. A field that a later release adds is not sent by older clients, so it does not change
//! the hash of their requests. A field that was sent as null counts as sent.

mod release_0_1;
#[cfg(test)]
mod tests;

use async_graphql::{Context, Value};
use commands::RequestHash;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::errors::Failure;
use crate::graphql_http::error_with_code;

/// Hashes the input of the mutation that is being resolved, together with the idempotency key.
///
/// # Errors
/// If the input cannot be serialized as JSON.
pub fn hash(
    ctx: &Context<'_>,
    key: &str,
    mutation: &'static str,
    input: &impl Serialize,
) -> Result<RequestHash, Failure> {
    let typed = serde_json::to_value(input).map_err(cannot_hash)?;
    let arguments = ctx.field().arguments().map_err(cannot_hash)?;
    let sent = arguments.into_iter().find(|(name, _)| name == "input").map(|(_, value)| value);
    let canonical = keep_sent(&typed, &sent.unwrap_or_default());
    let hash = RequestHash::new(key, mutation, &canonical).map_err(cannot_hash)?;
    Ok(hash.with_release_0_1(key, mutation, move || release_0_1::to_text(mutation, &typed)))
}

fn cannot_hash(error: impl std::fmt::Display) -> Failure {
    tracing::error!(%error, "an input cannot be hashed");
    error_with_code("INTERNAL", "an internal error occurred; it has been logged").into()
}

/// Keeps the fields of `typed` that were sent, with the names under which they were sent.
fn keep_sent(typed: &Json, sent: &Value) -> Json {
    match (typed, sent) {
        (Json::Object(typed), Value::Object(sent)) => {
            let fields = sent.iter().map(|(name, value)| {
                let part = match find_field(typed, name) {
                    Some(typed) => keep_sent(typed, value),
                    None => to_json(value),
                };
                (name.to_string(), part)
            });
            fields.collect()
        }
        (Json::Array(typed), Value::List(sent)) => {
            typed.iter().zip(sent).map(|(typed, sent)| keep_sent(typed, sent)).collect()
        }
        // GraphQL accepts a single value in place of a list with one entry.
        (Json::Array(typed), sent) => typed.iter().map(|typed| keep_sent(typed, sent)).collect(),
        (typed, _) => typed.clone(),
    }
}

/// Finds a field of the typed input by its name in the schema. The typed input has the name in Rust: in snake case, or
/// that of an enum variant if the type is a choice (`@oneOf`).
fn find_field<'t>(typed: &'t Map<String, Json>, name: &str) -> Option<&'t Json> {
    typed.get(&snake_case(name)).or_else(|| typed.get(&upper_first(name)))
}

fn to_json(value: &Value) -> Json {
    value.clone().into_json().unwrap_or_default()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
