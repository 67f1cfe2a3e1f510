//! The access table, checked over HTTP for every field and every kind of caller.

use std::collections::HashMap;

use api::access::{self, Denied, Root};
use api::auth::{Caller, Role};
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputObjectType, Type, TypeKind, TypeSystemDefinition,
};
use axum::http::StatusCode;
use domain::{CartId, CustomerId};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::sdl::sdl;
use super::stage::{Stage, text};
use crate::cluster::{Client, Shop};

/// Builds a valid request for any root field from the schema.
struct Requests {
    types: HashMap<String, TypeKind>,
}

impl Requests {
    fn new() -> Requests {
        let definitions = parse_schema(sdl()).unwrap().definitions.into_iter();
        let types = definitions.filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => {
                Some((definition.node.name.node.to_string(), definition.node.kind))
            }
            _ => None,
        });
        Requests { types: types.collect() }
    }

    fn fields(&self, root: Root) -> Vec<&FieldDefinition> {
        match self.types.get(&format!("{root:?}")) {
            Some(TypeKind::Object(object)) => {
                object.fields.iter().map(|field| &field.node).collect()
            }
            _ => vec![],
        }
    }

    fn of(&self, root: Root, field: &FieldDefinition) -> String {
        let arguments = self.inputs(field.arguments.iter().map(|input| &input.node));
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let keyword = format!("{root:?}").to_lowercase();
        format!("{keyword} {{ {}{arguments} {{ __typename }} }}", field.name.node)
    }

    /// The required fields only; if there are none, the first field.
    fn object(&self, input: &InputObjectType) -> String {
        let fields = || input.fields.iter().map(|field| &field.node);
        match self.inputs(fields()) {
            none if none.is_empty() => {
                let first = fields().next().unwrap();
                format!("{}: {}", first.name.node, self.value(&first.ty.node))
            }
            required => required,
        }
    }

    fn inputs<'i>(
        &self,
        inputs: impl Iterator<Item = &'i async_graphql::parser::types::InputValueDefinition>,
    ) -> String {
        let required = inputs.filter(|i| !i.ty.node.nullable && i.default_value.is_none());
        let values = required.map(|i| format!("{}: {}", i.name.node, self.value(&i.ty.node)));
        values.collect::<Vec<_>>().join(", ")
    }

    fn value(&self, kind: &Type) -> String {
        let name = match &kind.base {
            BaseType::List(inner) => return format!("[{}]", self.value(inner)),
            BaseType::Named(name) => name.as_str(),
        };
        match (name, self.types.get(name)) {
            (_, Some(TypeKind::InputObject(input))) => {
                format!("{{ {} }}", self.object(input))
            }
            (_, Some(TypeKind::Enum(values))) => values.values[0].node.value.node.to_string(),
            ("Int", _) => "1".to_owned(),
            // A valid idempotency key that is the id of no object.
            ("ID", _) => format!("\"{}\"", Uuid::new_v4()),
            _ => "\"1\"".to_owned(),
        }
    }
}

/// One caller of each kind, with its client.
async fn callers(stage: &Stage, keys: [&str; 2]) -> Vec<(Caller, Client)> {
    let stranger = stage.node.stranger();
    let made = stranger.done("cartCreate", "token", json!({})).await;
    let guest = stage.node.guest(&text(&made["token"]));
    let id = Uuid::nil();
    let key = |name: &str, role| Caller::Key { name: name.into(), role };
    vec![
        (Caller::Anonymous, stranger.clone()),
        (Caller::Guest { cart: CartId(id) }, guest),
        (Caller::Customer { id: CustomerId(id) }, stage.ada.clone()),
        (Caller::Support { id }, stage.desk.clone()),
        (Caller::Admin { id }, stage.admin.clone()),
        (key("helpdesk", Role::Support), stranger.clone().with("x-api-key", keys[0])),
        (key("erp", Role::Admin), stranger.with("x-api-key", keys[1])),
    ]
}

#[tokio::test]
async fn every_field_is_allowed_and_denied_as_in_the_table() {
    let keys = ["a key of the help desk", "a key of the ERP"];
    let hash = |key: &str| -> String {
        Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let file = json!([
        {"name": "helpdesk", "role": "support", "sha256": hash(keys[0])},
        {"name": "erp", "role": "admin", "sha256": hash(keys[1])},
    ]);
    let shop = Shop::new().await;
    let path = shop.scratch.path().join("keys.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let stage = Stage::of(shop.variable("API_KEYS_FILE", path.to_str().unwrap())).await;

    let requests = Requests::new();
    let callers = callers(&stage, keys).await;
    let mut wrong = Vec::new();
    for root in [Root::Query, Root::Mutation] {
        let fields = requests.fields(root);
        assert!(fields.len() > 15, "{root:?} has {} fields", fields.len());
        for (field, (caller, client)) in
            fields.into_iter().flat_map(|field| callers.iter().map(move |caller| (field, caller)))
        {
            let name = field.name.node.as_str();
            let (status, code) = match access::check(root, name, caller) {
                Ok(_) => (StatusCode::OK, ""),
                Err(Denied::SignInFirst(_)) => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
                Err(Denied::Forbidden(_)) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            };
            let query = requests.of(root, field);
            let answer = client.post(&json!({"query": query}).to_string()).await.unwrap();
            if (answer.status, answer.code()) != (status, code.to_owned()) {
                wrong.push(format!("{caller:?}: {query}\n  {} {}", answer.status, answer.json()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// If one field is denied, no field of the operation is executed.
#[tokio::test]
async fn an_operation_with_one_denied_field_is_not_executed() {
    let stage = Stage::new().await;
    let head = stage.head().await;
    let create = "cartCreate(input: {}) { position }";
    let query = format!(
        "mutation {{ {create} productDiscontinue(input: {{ sku: \"A\" }}) {{ position }} }}"
    );
    let hidden = format!(
        "mutation {{ {create} ...F }} fragment F on Mutation {{ x: productDiscontinue(input: {{ sku: \"A\" }})
            {{ position }} }}"
    );
    for query in [query, hidden] {
        let answer = stage.ada.post(&json!({"query": query}).to_string()).await.unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "FORBIDDEN".into()),
            "{query}"
        );
    }
    assert_eq!(stage.head().await, head);
}
