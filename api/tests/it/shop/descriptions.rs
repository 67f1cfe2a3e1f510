//! The descriptions in the schema, which are all that a client's author can read.

use std::collections::{BTreeMap, BTreeSet};

use api::access::{self, Reach, Root};
use api::auth::Caller;
use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use domain::CustomerId;
use uuid::Uuid;

use super::sdl::sdl;

/// The least number of characters: shorter descriptions add nothing to the name.
const SHORTEST: usize = 20;

/// A sentence that occurs more often than this must be moved to one place.
const REPEATED_AT_MOST: usize = 4;

/// Scalars that the shop defines itself, which have no other specification.
const OWN_SCALARS: [&str; 1] = ["Position"];

/// The codes of top-level errors, which are in no enum of the schema.
const TOP_LEVEL_CODES: [&str; 6] =
    ["UNAUTHENTICATED", "FORBIDDEN", "BAD_USER_INPUT", "STALE", "UNAVAILABLE", "TIMEOUT"];

#[test]
fn everything_in_the_schema_is_described() {
    let silent = places_where(|entry| entry.text.chars().count() < SHORTEST);
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn every_description_consists_of_whole_sentences() {
    let broken = places_where(|entry| {
        let mut paragraphs = entry.text.split("\n\n");
        !paragraphs.all(|text| text.starts_with(char::is_uppercase) && text.ends_with('.'))
    });
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn no_description_only_repeats_the_name() {
    let empty = places_where(|entry| {
        let known = words(&entry.place);
        words(&entry.text).iter().all(|word| known.contains(word))
    });
    assert_eq!(empty, Vec::<String>::new());
}

#[test]
fn no_sentence_is_repeated_in_many_descriptions() {
    let mut copies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for SchemaEntry { place, text, .. } in entries() {
        copies.entry(text).or_default().push(place);
    }
    copies.retain(|_, places_where| places_where.len() > REPEATED_AT_MOST);
    assert_eq!(copies, BTreeMap::new());
}

#[test]
fn a_scalar_names_its_specification() {
    let unspecified: Vec<_> = types()
        .into_iter()
        .filter(|scalar| matches!(scalar.kind, TypeKind::Scalar))
        .filter(|scalar| !scalar.directives.iter().any(|d| d.node.name.node == "specifiedBy"))
        .map(|scalar| scalar.name.node.to_string())
        .collect();
    assert_eq!(unspecified, OWN_SCALARS);
}

#[test]
fn names_in_descriptions_exist() {
    let entries = entries();
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let places_where: BTreeSet<&str> = entries.iter().map(|entry| entry.place.as_str()).collect();
    let mut unknown = vec![];
    for SchemaEntry { place, text, .. } in &entries {
        for name in text.split('`').skip(1).step_by(2) {
            let exists = match name.chars().next() {
                Some(first) if first.is_ascii_uppercase() && name.contains('.') => {
                    places_where.contains(name)
                }
                _ if is_code(name) => names.contains(name) || TOP_LEVEL_CODES.contains(&name),
                Some(_) if is_identifier(name) => names.contains(name),
                _ => true,
            };
            if !exists {
                unknown.push(format!("{place}: {name}"));
            }
        }
    }
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn every_error_code_is_named_by_a_mutation() {
    let entries = entries();
    let mutations: String = entries
        .iter()
        .filter(|entry| entry.place.starts_with("Mutation"))
        .map(|entry| entry.text.as_str())
        .collect();
    let unnamed: Vec<_> = entries
        .iter()
        .filter(|entry| entry.place.starts_with("ErrorCode."))
        .filter(|code| !mutations.contains(&format!("`{}`", code.name)))
        .map(|code| &code.name)
        .collect();
    assert_eq!(unnamed, Vec::<&String>::new());
}

#[test]
fn every_root_field_says_who_may_call_it() {
    let mut wrong = vec![];
    for (root, of_type) in [(Root::Query, "Query."), (Root::Mutation, "Mutation.")] {
        for SchemaEntry { place, name, text } in entries() {
            if place.strip_prefix(of_type) != Some(&name) {
                continue;
            }
            if !caller_phrases(root, &name).iter().any(|callers| text.contains(callers)) {
                wrong.push(place);
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The phrases, one of which the description of a root field must contain, by the access table.
fn caller_phrases(root: Root, field: &str) -> &'static [&'static str] {
    let id = Uuid::from_u128(1);
    let callers = [
        Caller::Anonymous,
        Caller::Customer { id: CustomerId(id) },
        Caller::Support { id },
        Caller::Admin { id },
    ];
    let may = callers.map(|caller| match access::check(root, field, &caller) {
        Ok(reach) => reach != Reach::None,
        Err(_) => false,
    });
    match may {
        [true, true, true, true] => {
            &["Anyone may call it", "Guests, customers and staff may call it"]
        }
        [true, true, false, true] => &["Guests, customers and admins may call it"],
        [false, true, true, true] => &["Customers and staff may call it"],
        [false, true, false, false] => &["Only customers may call it"],
        [false, false, true, true] => &["Only staff may call it"],
        [false, false, false, true] => &["Only admins may call it"],
        _ => &[],
    }
}

fn is_code(name: &str) -> bool {
    // Codes of countries and currencies have at most three letters.
    name.len() > 3 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn is_identifier(name: &str) -> bool {
    name.chars().all(char::is_alphanumeric)
        && name.chars().any(char::is_uppercase)
        && name.chars().any(char::is_lowercase)
}

/// The significant words, in lower case and singular.
fn words(text: &str) -> BTreeSet<String> {
    const FILLERS: [&str; 12] =
        ["a", "an", "the", "of", "it", "its", "this", "that", "is", "for", "which", "one"];
    let mut spaced = String::new();
    for c in text.chars() {
        if c.is_uppercase() && spaced.ends_with(char::is_lowercase) {
            spaced.push(' ');
        }
        spaced.push(if c.is_alphanumeric() { c } else { ' ' });
    }
    let spaced = spaced.to_lowercase();
    let singular = spaced.split_whitespace().map(|word| word.trim_end_matches('s'));
    singular.filter(|word| !word.is_empty() && !FILLERS.contains(word)).map(str::to_owned).collect()
}

fn places_where(is_wrong: impl Fn(&SchemaEntry) -> bool) -> Vec<String> {
    entries()
        .into_iter()
        .filter(is_wrong)
        .map(|SchemaEntry { place, text, .. }| format!("{place}: {text}"))
        .collect()
}

/// An element of the schema, and its description.
struct SchemaEntry {
    /// Such as `Order`, `Order.history`, `Order.history(first)` and `OrderStatus.PAID`.
    place: String,
    name: String,
    text: String,
}

fn types() -> Vec<TypeDefinition> {
    let definitions = parse_schema(sdl()).unwrap().definitions.into_iter();
    definitions
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        })
        .collect()
}

fn entries() -> Vec<SchemaEntry> {
    let mut entries = SchemaEntries::default();
    types().iter().for_each(|definition| entries.add_type(definition));
    entries.0
}

#[derive(Default)]
struct SchemaEntries(Vec<SchemaEntry>);

impl SchemaEntries {
    fn add(&mut self, place: String, name: &str, text: Option<&Positioned<String>>) {
        let text = text.map(|text| text.node.trim().to_owned()).unwrap_or_default();
        self.0.push(SchemaEntry { place, name: name.to_owned(), text });
    }

    fn add_type(&mut self, definition: &TypeDefinition) {
        let name = definition.name.node.as_str();
        self.add(name.to_owned(), name, definition.description.as_ref());
        match &definition.kind {
            TypeKind::Object(object) => self.add_fields(name, &object.fields),
            TypeKind::Interface(interface) => self.add_fields(name, &interface.fields),
            TypeKind::InputObject(input) => {
                for field in &input.fields {
                    let place = format!("{name}.{}", field.node.name.node);
                    self.add_input(place, field);
                }
            }
            TypeKind::Enum(values) => {
                for value in &values.values {
                    let value = &value.node;
                    let place = format!("{name}.{}", value.value.node);
                    self.add(place, &value.value.node, value.description.as_ref());
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }

    fn add_fields(&mut self, owner: &str, fields: &[Positioned<FieldDefinition>]) {
        for field in fields {
            let field = &field.node;
            let place = format!("{owner}.{}", field.name.node);
            for argument in &field.arguments {
                self.add_input(format!("{place}({})", argument.node.name.node), argument);
            }
            self.add(place, &field.name.node, field.description.as_ref());
        }
    }

    fn add_input(&mut self, place: String, input: &Positioned<InputValueDefinition>) {
        self.add(place, &input.node.name.node, input.node.description.as_ref());
    }
}
