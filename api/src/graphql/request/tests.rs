//! The hash of a request: what changes it, and what a later release may add.

use async_graphql::{
    EmptySubscription, Enum, ID, InputObject, Object, OneofObject, Request, Result, Schema,
    Variables,
};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
enum Colour {
    Red,
    DarkBlue,
}

/// Declares a release of a schema. `today` has the inputs of release 0.1, and `later` has more optional inputs.
macro_rules! release {
    ($name:ident { $($input:tt)* } { $($line:tt)* } { $($choice:tt)* }) => {
        mod $name {
            use super::*;

            #[derive(Debug, InputObject, Serialize)]
            struct CartLinesAddInput {
                $($input)*
                cart_id: Option<ID>,
                lines: Vec<CartLineAddInput>,
                colour: Option<Colour>,
                at: Option<DateTime<Utc>>,
                choice: Option<Choice>,
                idempotency_key: Option<ID>,
            }

            #[derive(Debug, InputObject, Serialize)]
            struct CartLineAddInput {
                sku: String,
                $($line)*
                quantity: i64,
            }

            #[derive(Debug, OneofObject, Serialize)]
            enum Choice {
                $($choice)*
                PercentOff(String),
            }

            pub(super) struct Mutation;

            #[Object]
            impl Mutation {
                /// The canonical input, the input as release 0.1 had it, and the hash.
                async fn cart_lines_add(
                    &self,
                    ctx: &Context<'_>,
                    input: CartLinesAddInput,
                ) -> Result<Vec<String>> {
                    let typed = serde_json::to_value(&input)?;
                    let arguments = ctx.field().arguments()?;
                    let canonical = keep_sent(&typed, &arguments[0].1).to_string();
                    let older = release_0_1::to_text("cartLinesAdd", &typed).unwrap();
                    let Ok(hash) = hash(ctx, "k", "cartLinesAdd", &input) else {
                        return Err("not hashed".into());
                    };
                    let hash = format!("{:?}", hash.to_stored());
                    Ok(vec![canonical, older, hash])
                }
            }
        }
    };
}

release!(today {} {} {});
release!(later {
    note: Option<String>,
    #[graphql(default = 3)] tries: i64,
    #[graphql(default)] tags: Vec<String>,
} {
    gift_wrapped: Option<bool>,
} {
    CentsOff(i64),
});

struct Query;

#[Object]
impl Query {
    async fn nothing(&self) -> bool {
        true
    }
}

async fn execute<M: async_graphql::ObjectType + 'static>(
    mutation: M,
    request: Request,
) -> [String; 3] {
    let answer = Schema::new(Query, mutation, EmptySubscription).execute(request).await;
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    let data = answer.data.into_json().unwrap();
    serde_json::from_value(data["cartLinesAdd"].clone()).unwrap()
}

fn by_variable(input: serde_json::Value) -> Request {
    Request::new("mutation($input: CartLinesAddInput!) { cartLinesAdd(input: $input) }")
        .variables(Variables::from_json(json!({"input": input})))
}

fn literally(input: &str) -> Request {
    Request::new(format!("mutation {{ cartLinesAdd(input: {input}) }}"))
}

fn mugs() -> serde_json::Value {
    json!({"lines": [{"sku": "MUG", "quantity": 2}], "idempotencyKey": "k", "colour": "DARK_BLUE",
        "choice": {"percentOff": "12.5"}})
}

#[tokio::test]
async fn an_optional_input_that_is_added_changes_no_hash() {
    for input in [
        mugs(),
        json!({"lines": []}),
        json!({"lines": [], "cartId": null}),
        json!({"lines": {"sku": "MUG", "quantity": 2}, "at": "2026-01-01T00:00:00Z"}),
    ] {
        let today = execute(today::Mutation, by_variable(input.clone())).await;
        let later = execute(later::Mutation, by_variable(input.clone())).await;
        assert_eq!(today, later, "{input}");
    }
}

#[tokio::test]
async fn a_null_that_was_sent_counts() {
    let absent = execute(today::Mutation, by_variable(mugs())).await;
    let mut null = mugs();
    null["cartId"] = json!(null);
    let null = execute(today::Mutation, by_variable(null)).await;
    assert_ne!(absent[2], null[2]);
    // Release 0.1 gave both the same hash.
    assert_eq!(absent[1], null[1]);
}

#[tokio::test]
async fn a_new_input_that_is_sent_counts() {
    let without = execute(later::Mutation, by_variable(mugs())).await;
    for (name, value) in [("note", json!(null)), ("tries", json!(3)), ("tags", json!([]))] {
        let mut with = mugs();
        with[name] = value;
        assert_ne!(execute(later::Mutation, by_variable(with)).await[2], without[2], "{name}");
    }
}

#[tokio::test]
async fn one_value_has_one_hash_however_it_is_spelt() {
    let spelt = execute(today::Mutation, by_variable(mugs())).await;
    let literal = r#"{choice: {percentOff: "12.5"}, colour: DARK_BLUE, idempotencyKey: "k",
        lines: {quantity: 2, sku: "MUG"}}"#;
    assert_eq!(execute(today::Mutation, literally(literal)).await, spelt);
    let at = |text: &str| json!({"lines": [], "at": text});
    let noon = execute(today::Mutation, by_variable(at("2026-01-01T12:00:00Z"))).await;
    let also_noon = execute(today::Mutation, by_variable(at("2026-01-01T13:00:00+01:00"))).await;
    assert_eq!(noon, also_noon);
}

#[tokio::test]
async fn the_canonical_input_is_golden() {
    let [canonical, older, _] = execute(today::Mutation, by_variable(mugs())).await;
    let canonical: serde_json::Value = serde_json::from_str(&canonical).unwrap();
    let golden = json!({"lines": [{"sku": "MUG", "quantity": 2}], "idempotencyKey": "k",
        "colour": "DarkBlue", "choice": {"percentOff": "12.5"}});
    assert_eq!(canonical, golden);
    let line = r#"{"sku":"MUG","quantity":2,"expected_unit_price":null}"#;
    let rest = r#""idempotency_key":"k","expected_version":null"#;
    assert_eq!(older, format!(r#"{{"cart_id":null,"lines":[{line}],{rest}}}"#));
}

#[test]
fn names_of_the_schema_become_names_of_rust() {
    for (name, snake) in [("sku", "sku"), ("imageUrl", "image_url"), ("onHand", "on_hand")] {
        assert_eq!(snake_case(name), snake);
    }
    assert_eq!(upper_first("percentOff"), "PercentOff");
}
