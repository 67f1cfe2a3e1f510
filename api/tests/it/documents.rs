//! Documents that are sent again: each is validated once, but its caller and its variables are
//! checked each time; and documents that are sent by their hash.

use api::auth::Role;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, Running, setup, start};

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_hash(version: i64, hash: &str) -> Value {
    json!({"persistedQuery": {"version": version, "sha256Hash": hash}})
}

async fn persisted(server: &Running, query: Option<&str>, hash: &str) -> Answer {
    server.post(&json!({"query": query, "extensions": by_hash(1, hash)}), &[]).await
}

/// The validation mode of the schema that answered, or the error's code.
async fn mode(server: &Running, query: &str, variables: Value) -> String {
    let answer = server.post(&json!({"query": query, "variables": variables}), &[]).await;
    answer.json()["data"]["nodes"].as_str().map_or_else(|| answer.code(), str::to_owned)
}

#[tokio::test]
async fn a_valid_document_is_validated_once() {
    let server = start().await;
    let query = "query($of: [Int!]) { nodes(of: $of) }";
    assert_eq!(mode(&server, query, json!({"of": [1]})).await, "Strict");
    for variables in [json!({"of": [1, 2]}), json!({"of": null}), json!({}), json!({"other": 1})] {
        assert_eq!(mode(&server, query, variables.clone()).await, "Fast", "{variables}");
    }
}

#[tokio::test]
async fn documents_whose_validity_depends_on_variables_are_validated_each_time() {
    let server = start().await;
    for (query, variables) in [
        ("query($of: [Int!]) { nodes(of: $of) }", json!({"of": 7})),
        ("query($of: Int!) { nodes(of: [$of]) }", json!({"of": 7})),
        ("query($of: [Int!] = [1]) { nodes(of: $of) }", json!({"of": null})),
    ] {
        for _ in 0..2 {
            assert_eq!(mode(&server, query, variables.clone()).await, "Strict", "{query}");
        }
    }
}

/// This holds even if an earlier field of the operation could be executed before the mistake is
/// found.
#[tokio::test]
async fn a_wrong_variable_is_refused_in_the_same_way_for_new_and_known_documents() {
    let queries = [
        "query($sku: String, $n: Int) { me product(sku: $sku, number: $n) }",
        "query($sku: String!, $n: Int = 1) { me product(sku: $sku, number: $n) }",
        "query($sku: ID, $n: Int) { me product(sku: $sku, number: $n) }",
    ];
    let known = start().await;
    for query in queries {
        let warm = json!({"query": query, "variables": {"sku": "a", "n": 1}});
        known.post(&warm, &[]).await;
        for variables in [
            json!({"sku": 1}),
            json!({"sku": "a", "n": "one"}),
            json!({"sku": "a", "n": 1.5}),
            json!({"sku": "a", "n": 3_000_000_000_u32}),
            json!({"sku": "a", "n": -1}),
            json!({"sku": "a", "n": null}),
            json!({"sku": null}),
            json!({"n": 1}),
            json!({"sku": ["a"]}),
            json!({"sku": {"a": 1}}),
        ] {
            let request = json!({"query": query, "variables": variables});
            let [first, again] =
                [start().await.post(&request, &[]).await, known.post(&request, &[]).await];
            assert_eq!((first.status, first.json()), (again.status, again.json()), "{request}");
        }
    }
}

#[tokio::test]
async fn an_invalid_document_is_refused_again_with_the_same_error() {
    let server = start().await;
    for query in ["{ nothing }", "{", "query A { me } query B { me }", "{ me(a: 1) }"] {
        let first = server.query(query).await;
        let again = server.query(query).await;
        assert_eq!((first.status, first.json()), (again.status, again.json()), "{query}");
        assert_eq!(first.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn access_is_checked_again_for_a_known_document() {
    let server = start().await;
    let support = server.bearer(Role::Support);
    let query = "{ events }";
    for _ in 0..2 {
        let answer = server.query_with(query, &[("authorization", &support)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(server.query(query).await.code(), "UNAUTHENTICATED");
    }
    let mutation = "mutation { cartCreate }";
    assert_eq!(server.query(mutation).await.status, StatusCode::OK);
    let answer = server.get("/graphql?query=mutation%20%7B%20cartCreate%20%7D").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_operation_is_selected_again_in_a_known_document() {
    let server = start().await;
    let ask = async |name: &str| {
        let request =
            json!({"query": "query A { a: me } query B { b: me }", "operationName": name});
        server.post(&request, &[]).await.json()["data"].clone()
    };
    for _ in 0..2 {
        assert_eq!(ask("A").await, json!({"a": "guest:anonymous"}));
        assert_eq!(ask("B").await, json!({"b": "guest:anonymous"}));
    }
}

#[tokio::test]
async fn a_query_can_be_sent_by_hash_once_its_text_was_sent() {
    let server = start().await;
    let query = "{ me }";
    let hash = sha256(query);
    let unknown = persisted(&server, None, &hash).await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.code()),
        (400, "PERSISTED_QUERY_NOT_FOUND".into())
    );
    assert_eq!(unknown.json()["errors"][0]["message"], "PersistedQueryNotFound");

    let data = json!({"data": {"me": "guest:anonymous"}});
    assert_eq!(persisted(&server, Some(query), &hash).await.json(), data);
    assert_eq!(persisted(&server, None, &hash).await.json(), data);
    // {"persistedQuery":{"version":1,"sha256Hash":"…"}}
    let path = format!(
        "/graphql?extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22{hash}%22%7D%7D"
    );
    assert_eq!(server.get(&path).await.json(), data);
}

#[tokio::test]
async fn the_text_of_a_known_document_is_still_registered() {
    let server = start().await;
    let query = "{ me }";
    server.query(query).await;
    assert_eq!(persisted(&server, Some(query), &sha256(query)).await.status, StatusCode::OK);
    assert_eq!(persisted(&server, None, &sha256(query)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_texts_that_pass_all_checks_are_registered_and_under_their_own_hash() {
    let server = start().await;
    for query in ["{ nothing }", "{", "{ events }", &format!("{{ {} }}", "me ".repeat(1_000))] {
        let refused = persisted(&server, Some(query), &sha256(query)).await;
        assert!(!refused.status.is_success(), "{query}");
        let code = persisted(&server, None, &sha256(query)).await.code();
        assert_eq!(code, "PERSISTED_QUERY_NOT_FOUND", "{query}");
    }
    let hash = sha256("{ order me }");
    for wrong in [hash.as_str(), "", "x"] {
        let refused = persisted(&server, Some("{ me }"), wrong).await;
        let seen = (refused.status.as_u16(), refused.code());
        assert_eq!(seen, (400, "PERSISTED_QUERY_HASH_MISMATCH".into()));
        assert_eq!(persisted(&server, None, wrong).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    }
}

#[tokio::test]
async fn access_and_method_are_checked_for_a_registered_query() {
    let server = start().await;
    let support = server.bearer(Role::Support);
    let hash = sha256("{ events }");
    let register = json!({"query": "{ events }", "extensions": by_hash(1, &hash)});
    let answer = server.post(&register, &[("authorization", &support)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(persisted(&server, None, &hash).await.code(), "UNAUTHENTICATED");

    let mutation = "mutation { cartCreate }";
    let hash = sha256(mutation);
    assert_eq!(persisted(&server, Some(mutation), &hash).await.status, StatusCode::OK);
    let path = format!(
        "/graphql?extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22{hash}%22%7D%7D"
    );
    assert_eq!(server.get(&path).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn another_version_of_the_protocol_is_refused() {
    let server = start().await;
    let query = json!("{ me }");
    for query in [&query, &Value::Null] {
        let request = json!({"query": query, "extensions": by_hash(2, &sha256("{ me }"))});
        let answer = server.post(&request, &[]).await;
        assert_eq!(answer.code(), "PERSISTED_QUERY_NOT_SUPPORTED");
    }
    let malformed = r#"{"query": "{ me }", "extensions": {"persistedQuery": {"version": "1"}}}"#;
    let json = [("content-type", "application/json")];
    let answer = server.request(Method::POST, "/graphql", &json, malformed).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn introspection_is_refused_by_hash_too() {
    let mut setup = setup();
    setup.config.introspection = false;
    let server = setup.start().await;
    let query = "{ __type(name: \"Query\") { name } }";
    let answer = persisted(&server, Some(query), &sha256(query)).await;
    assert_eq!(answer.code(), "INTROSPECTION_DISABLED");
}
