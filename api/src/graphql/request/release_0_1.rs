//! Writes an input in the form that release 0.1 hashed: all fields that its type had then, in the order of the schema,
//! with their names in Rust, and null for a field that was not sent.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, InputObjectType, Type, TypeKind, TypeSystemDefinition,
};
use serde_json::Value;

use super::{snake_case, upper_first};

const SDL: &str = include_str!("release_0_1.graphql");

static TYPES: LazyLock<HashMap<String, InputType>> = LazyLock::new(|| parse(SDL));

struct InputType {
    /// Whether exactly one of the fields must be given (`@oneOf`).
    is_choice: bool,
    fields: Vec<(String, Type)>,
}

fn parse(sdl: &str) -> HashMap<String, InputType> {
    // A test checks that this text can be parsed.
    let definitions = parse_schema(sdl).map(|document| document.definitions).unwrap_or_default();
    let mut types = HashMap::new();
    for definition in definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = definition.node;
        let TypeKind::InputObject(InputObjectType { fields }) = definition.kind else { continue };
        let fields = fields.into_iter().map(|field| {
            let field = field.node;
            (field.name.node.to_string(), field.ty.node)
        });
        let is_choice = !definition.directives.is_empty();
        let ty = InputType { is_choice, fields: fields.collect() };
        types.insert(definition.name.node.to_string(), ty);
    }
    types
}

/// Writes the input as JSON; `None` if release 0.1 did not have this mutation. Fields that release 0.1 did not have are
/// left out, because a request with such a field was never sent to release 0.1.
pub fn to_text(mutation: &str, input: &Value) -> Option<String> {
    let name = format!("{}Input", upper_first(mutation));
    let ty = TYPES.get(&name)?;
    let mut text = String::new();
    write_object(ty, input, &mut text);
    Some(text)
}

fn write(ty: &Type, value: &Value, to: &mut String) {
    match (&ty.base, value) {
        (_, Value::Null) => to.push_str("null"),
        (BaseType::List(ty), Value::Array(items)) => {
            write_list('[', ']', items, to, |item, to| write(ty, item, to));
        }
        (BaseType::List(ty), value) => write(ty, value, to),
        (BaseType::Named(name), value) => match TYPES.get(name.as_str()) {
            Some(ty) => write_object(ty, value, to),
            None => to.push_str(&value.to_string()),
        },
    }
}

fn write_object(ty: &InputType, value: &Value, to: &mut String) {
    let write_name = |name: &str, to: &mut String| {
        to.push('"');
        to.push_str(name);
        to.push_str("\":");
    };
    if ty.is_choice {
        let chosen = ty.fields.iter().filter_map(|(name, ty)| {
            let name = upper_first(name);
            let value = value.get(&name)?;
            Some((name, ty, value))
        });
        write_list('{', '}', chosen, to, |(name, ty, value), to| {
            write_name(&name, to);
            write(ty, value, to);
        });
        return;
    }
    write_list('{', '}', &ty.fields, to, |(name, ty), to| {
        let name = snake_case(name);
        write_name(&name, to);
        write(ty, value.get(&name).unwrap_or(&Value::Null), to);
    });
}

fn write_list<T>(
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    to: &mut String,
    write: impl Fn(T, &mut String),
) {
    to.push(open);
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            to.push(',');
        }
        write(item, to);
    }
    to.push(close);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_input_types_of_release_0_1_are_all_there() {
        let parsed = parse_schema(SDL).unwrap();
        assert_eq!(parsed.definitions.len(), TYPES.len());
        assert_eq!(TYPES.len(), 39);
    }

    #[test]
    fn all_fields_are_written_in_order_and_null_where_they_are_missing() {
        let input = json!({"lines": [{"quantity": 2, "sku": "MUG"}], "since_then": 1});
        let text = to_text("cartLinesAdd", &input).unwrap();
        let line = r#"{"sku":"MUG","quantity":2,"expected_unit_price":null}"#;
        let rest = r#""idempotency_key":null,"expected_version":null"#;
        assert_eq!(text, format!(r#"{{"cart_id":null,"lines":[{line}],{rest}}}"#));
    }

    #[test]
    fn of_a_choice_only_what_was_chosen_is_written() {
        let discount = json!({"Amount": {"currency": "USD", "amount": "5"}});
        let text = to_text("couponCreate", &json!({"code": "FIVE", "discount": discount})).unwrap();
        let discount = r#""discount":{"Amount":{"amount":"5","currency":"USD"}}"#;
        assert!(
            text.starts_with(&format!(r#"{{"code":"FIVE",{discount},"valid_from":null"#)),
            "{text}"
        );
    }

    #[test]
    fn what_release_0_1_did_not_have_has_no_text() {
        assert_eq!(to_text("shopClose", &json!({})), None);
    }
}
