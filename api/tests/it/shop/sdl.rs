//! The schema as text: committed, described, and covered by the access table.

use std::fs;
use std::path::PathBuf;

use api::access;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

/// Makes the test write the file instead of comparing with it.
const UPDATE: &str = "UPDATE_SCHEMA";

pub(crate) fn sdl() -> String {
    api::graphql::schema().finish().sdl()
}

#[test]
fn the_schema_is_the_committed_one() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let sdl = sdl();
    if std::env::var_os(UPDATE).is_some_and(|value| !value.is_empty()) {
        fs::write(&path, &sdl).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(sdl.lines()).position(|(old, new)| old != new);
    assert!(
        committed == sdl,
        "api/schema.graphql differs from the schema, first in line {}; {UPDATE}=1 writes it",
        differs.unwrap_or_else(|| committed.lines().count().min(sdl.lines().count())) + 1,
    );
}

#[test]
fn every_root_field_has_a_row_in_the_access_table() {
    assert_eq!(access::differences(&sdl()).unwrap(), Vec::<String>::new());
}

#[test]
fn everything_in_the_schema_is_described() {
    let mut silent = Vec::new();
    for definition in parse_schema(sdl()).unwrap().definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            of_type(&definition.node, &mut silent);
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

type Description = Option<Positioned<String>>;

fn note(silent: &mut Vec<String>, description: &Description, name: impl FnOnce() -> String) {
    if description.as_ref().is_none_or(|text| text.node.trim().is_empty()) {
        silent.push(name());
    }
}

fn of_type(definition: &TypeDefinition, silent: &mut Vec<String>) {
    let name = definition.name.node.as_str();
    // The library makes these, and describes their fields only.
    if !(name.ends_with("Connection") || name.ends_with("Edge")) {
        note(silent, &definition.description, || name.to_owned());
    }
    match &definition.kind {
        TypeKind::Object(object) => of_fields(name, &object.fields, silent),
        TypeKind::Interface(interface) => of_fields(name, &interface.fields, silent),
        TypeKind::InputObject(input) => of_inputs(name, &input.fields, silent),
        TypeKind::Enum(values) => {
            for value in &values.values {
                note(silent, &value.node.description, || full(name, &value.node.value.node));
            }
        }
        TypeKind::Scalar | TypeKind::Union(_) => {}
    }
}

fn of_fields(of: &str, fields: &[Positioned<FieldDefinition>], silent: &mut Vec<String>) {
    for field in fields {
        let name = full(of, &field.node.name.node);
        note(silent, &field.node.description, || name.clone());
        of_inputs(&name, &field.node.arguments, silent);
    }
}

fn of_inputs(of: &str, inputs: &[Positioned<InputValueDefinition>], silent: &mut Vec<String>) {
    for input in inputs {
        note(silent, &input.node.description, || full(of, &input.node.name.node));
    }
}

fn full(of: &str, name: &Name) -> String {
    format!("{of}.{name}")
}
