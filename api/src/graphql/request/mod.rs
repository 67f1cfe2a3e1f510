//! What is hashed of a mutation, to tell a repetition from another request under the same key.
//!
//! It is the typed input, so that two spellings of one value are the same, by the names of the schema and
//! without the fields that were not sent. A field that a later release adds is not sent by older clients and
//! so does not change the hash of their requests. A field sent as null was sent.

mod release_0_1;
#[cfg(test)]
mod tests;

use async_graphql::{Context, Value};
use commands::RequestHash;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::errors::{Failure, fault};

/// The hash of the mutation that is being resolved, under this key.
///
/// # Errors
/// If the input is no JSON.
pub fn hash(
    ctx: &Context<'_>,
    key: &str,
    mutation: &'static str,
    input: &impl Serialize,
) -> Result<RequestHash, Failure> {
    let typed = serde_json::to_value(input).map_err(cannot_hash)?;
    let arguments = ctx.field().arguments().map_err(cannot_hash)?;
    let sent = arguments.into_iter().find(|(name, _)| name == "input").map(|(_, value)| value);
    let canonical = sent_part(&typed, &sent.unwrap_or_default());
    let hash = RequestHash::new(key, mutation, &canonical).map_err(cannot_hash)?;
    Ok(hash.with_release_0_1(key, mutation, move || release_0_1::text(mutation, &typed)))
}

fn cannot_hash(error: impl std::fmt::Display) -> Failure {
    tracing::error!(%error, "an input cannot be hashed");
    fault("INTERNAL", "internal error").into()
}

/// The values of `typed` that were sent, by the names under which they were sent.
fn sent_part(typed: &Json, sent: &Value) -> Json {
    match (typed, sent) {
        (Json::Object(typed), Value::Object(sent)) => {
            let fields = sent.iter().map(|(name, value)| {
                let part = match field(typed, name) {
                    Some(typed) => sent_part(typed, value),
                    None => as_sent(value),
                };
                (name.to_string(), part)
            });
            fields.collect()
        }
        (Json::Array(typed), Value::List(sent)) => {
            typed.iter().zip(sent).map(|(typed, sent)| sent_part(typed, sent)).collect()
        }
        // GraphQL takes a single value for a list of one.
        (Json::Array(typed), sent) => typed.iter().map(|typed| sent_part(typed, sent)).collect(),
        (typed, _) => typed.clone(),
    }
}

/// A field by its name in the schema. The typed input has it by its name in Rust: in snake case, or as a
/// variant of an enum where the type is a choice (`@oneOf`).
fn field<'t>(typed: &'t Map<String, Json>, name: &str) -> Option<&'t Json> {
    typed.get(&snake_case(name)).or_else(|| typed.get(&upper_first(name)))
}

fn as_sent(value: &Value) -> Json {
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
