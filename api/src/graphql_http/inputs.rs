//! Decides whether a variable's value is certainly of its declared type, by the schema alone.
//!
//! Of the validation rules of async-graphql 7.2, only `ArgumentsOfCorrectType` depends on the values of variables. The
//! other rules depend on the document alone, so a cached document need not be checked by them again. A value that is
//! certainly of its variable's type is valid wherever `VariableInAllowedPosition` has accepted the variable. In doubt
//! (custom scalars, a null beside a default, numbers that implementations treat differently) the document is validated
//! again, so that every error message comes from async-graphql.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, InputObjectType, Type, TypeKind, TypeSystemDefinition, VariableDefinition,
};
use async_graphql::{Name, Value, Variables};

/// The enums and input objects of a schema.
#[derive(Debug)]
pub(super) struct InputTypes(HashMap<Name, InputType>);

#[derive(Debug)]
enum InputType {
    Enum(HashSet<Name>),
    Object(Vec<InputField>),
}

#[derive(Debug)]
struct InputField {
    name: Name,
    ty: Type,
    may_be_absent: bool,
}

impl InputTypes {
    /// Reads the types from the text of a schema.
    ///
    /// # Errors
    /// If the text is not a schema.
    pub(super) fn from_sdl(sdl: &str) -> Result<Self, async_graphql::parser::Error> {
        let mut types = HashMap::new();
        for definition in parse_schema(sdl)?.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let definition = definition.node;
            let ty = match definition.kind {
                TypeKind::Enum(ty) => {
                    InputType::Enum(ty.values.into_iter().map(|v| v.node.value.node).collect())
                }
                // A directive such as `@oneOf` requires more than the types of the fields show, so no value of such a
                // type is certain.
                TypeKind::InputObject(ty) if definition.directives.is_empty() => {
                    InputType::Object(read_fields(ty))
                }
                _ => continue,
            };
            types.insert(definition.name.node, ty);
        }
        Ok(InputTypes(types))
    }

    /// Whether all values are certainly of their variables' types. A variable that is left out is no error, because its
    /// default is used.
    pub(super) fn are_certainly_valid<'a>(
        &self,
        mut declared: impl Iterator<Item = &'a VariableDefinition>,
        variables: &Variables,
    ) -> bool {
        declared.all(|variable| match variables.get(&variable.name.node) {
            None => true,
            // A nullable variable with a default is allowed in places where null is not.
            Some(Value::Null) => {
                variable.var_type.node.nullable && variable.default_value.is_none()
            }
            Some(value) => self.is_certainly_of_type(&variable.var_type.node, value),
        })
    }

    fn is_certainly_of_type(&self, ty: &Type, value: &Value) -> bool {
        match (&ty.base, value) {
            (_, Value::Null) => ty.nullable,
            (BaseType::List(ty), Value::List(items)) => {
                items.iter().all(|item| self.is_certainly_of_type(ty, item))
            }
            (BaseType::List(_), _) => false,
            (BaseType::Named(name), value) => self.is_certainly_of_named_type(name, value),
        }
    }

    fn is_certainly_of_named_type(&self, name: &Name, value: &Value) -> bool {
        match (name.as_str(), value) {
            ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => return true,
            ("Int", Value::Number(number)) => {
                return number.as_u64().is_some_and(|number| i32::try_from(number).is_ok());
            }
            _ => {}
        }
        match (self.0.get(name), value) {
            (Some(InputType::Enum(names)), Value::String(name)) => names.contains(name.as_str()),
            (Some(InputType::Object(fields)), Value::Object(given)) => {
                let mut found = 0;
                let fits = fields.iter().all(|field| match given.get(&field.name) {
                    Some(value) => {
                        found += 1;
                        self.is_certainly_of_type(&field.ty, value)
                    }
                    None => field.may_be_absent,
                });
                fits && found == given.len()
            }
            _ => false,
        }
    }
}

fn read_fields(ty: InputObjectType) -> Vec<InputField> {
    let field = |field: async_graphql::parser::types::InputValueDefinition| InputField {
        may_be_absent: field.ty.node.nullable || field.default_value.is_some(),
        name: field.name.node,
        ty: field.ty.node,
    };
    ty.fields.into_iter().map(|entry| field(entry.node)).collect()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value, json};

    use super::*;

    const SDL: &str = "scalar Time enum Size { S M } input Pick @oneOf { a: Int b: Int }
        input Line { sku: String! count: Int! = 1 size: Size note: String lines: [Line!] at: Time }
        type Query { a: Int }";

    fn fits(declared: &str, value: Value) -> bool {
        let document = parse_query(format!("query($v: {declared}) {{ a(b: $v) }}")).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let declared = operation.node.variable_definitions.iter().map(|variable| &variable.node);
        let variables = Variables::from_json(json!({ "v": value }));
        InputTypes::from_sdl(SDL).unwrap().are_certainly_valid(declared, &variables)
    }

    #[test]
    fn only_what_is_certain_fits() {
        for (declared, value, expected) in [
            ("String!", json!("x"), true),
            ("String!", json!(null), false),
            ("String", json!(null), true),
            ("String = \"x\"", json!(null), false),
            ("String", json!(1), false),
            ("ID!", json!("x"), true),
            ("Boolean", json!(true), true),
            ("Boolean", json!("true"), false),
            ("Int", json!(2_147_483_647), true),
            ("Int", json!(2_147_483_648_u32), false),
            ("Int", json!(1.5), false),
            ("Int", json!("1"), false),
            ("Size!", json!("M"), true),
            ("Size!", json!("XL"), false),
            ("Size!", json!(1), false),
            ("Time", json!("now"), false),
            ("Unknown", json!("x"), false),
            ("Pick", json!({"a": 1}), false),
            ("[Int!]!", json!([1, 2]), true),
            ("[Int!]", json!([1, null]), false),
            ("[Int]", json!([1, null]), true),
            ("[Int]", json!(1), false),
            ("Line!", json!({"sku": "a"}), true),
            ("Line!", json!({"sku": "a", "count": 2, "size": "S", "note": null}), true),
            ("Line!", json!({"count": 2}), false),
            ("Line!", json!({"sku": "a", "count": null}), false),
            ("Line!", json!({"sku": "a", "colour": "red"}), false),
            ("Line!", json!({"sku": "a", "size": "XL"}), false),
            ("Line!", json!({"sku": "a", "lines": [{"sku": "b"}]}), true),
            ("Line!", json!({"sku": "a", "lines": [{"sku": 1}]}), false),
            ("Line!", json!({"sku": "a", "at": "now"}), false),
            ("Line!", json!("a"), false),
        ] {
            assert_eq!(fits(declared, value.clone()), expected, "{declared}: {value}");
        }
    }

    #[test]
    fn a_variable_that_is_left_out_is_no_error_of_validation() {
        let document = parse_query("query($v: Int!) { a(b: $v) }").unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let declared = operation.node.variable_definitions.iter().map(|variable| &variable.node);
        let types = InputTypes::from_sdl(SDL).unwrap();
        assert!(types.are_certainly_valid(declared, &Variables::default()));
    }
}
