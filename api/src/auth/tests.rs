//! Which credentials identify which caller, and which are refused.

use std::time::Duration;

use axum::http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;
use crate::secret::Secret;

const SECRET: &str = "a secret of more than thirty-two bytes";

fn authenticator() -> Authenticator {
    let key = |name: &str, role, key: &str| ApiKey {
        name: name.into(),
        role,
        sha256: Sha256::digest(key).into(),
    };
    Authenticator {
        tokens: Tokens::shared(&Secret::new(SECRET), "shop", "api"),
        carts: CartTokens::new(&Secret::new(SECRET)),
        api_keys: vec![key("erp", Role::Admin, "key one"), key("desk", Role::Support, "key two")],
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn identify(pairs: &[(&'static str, &str)]) -> Result<Identity, Unauthenticated> {
    authenticator().identify(&headers(pairs))
}

fn bearer_of(token: &str) -> Result<Identity, Unauthenticated> {
    identify(&[("authorization", &format!("Bearer {token}"))])
}

fn claims() -> Value {
    json!({"sub": "ada", "role": "customer", "iss": "shop", "aud": "api", "exp": Utc::now().timestamp() + 60})
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    hmac::install();
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// The reason a token with this claim changed (or taken away, by null) is refused for.
fn refusal(claim: &str, value: Value) -> &'static str {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
        value => claims[claim] = value,
    }
    bearer_of(&signed(Algorithm::HS256, SECRET, &claims)).unwrap_err().reason()
}

#[test]
fn without_credentials_one_is_anonymous() {
    let identity = identify(&[]).unwrap();
    assert_eq!(identity, Identity { caller: Caller::Anonymous, expires_at: None });
    assert_eq!(identity.caller.actor(), "guest:anonymous");
}

#[test]
fn a_token_names_its_customer_by_issuer_and_subject() {
    let token =
        authenticator().issue("ada", Role::Customer, Duration::from_secs(60), Utc::now()).unwrap();
    let identity = bearer_of(&token).unwrap();
    let id = CustomerId::new("shop", "ada");
    assert_eq!(identity.caller, Caller::Customer { id });
    assert_eq!(identity.caller.actor(), format!("customer:{id}"));
    assert!(identity.expires_at.unwrap() > Utc::now());
}

#[test]
fn staff_act_as_staff() {
    for (role, staff) in [(Role::Customer, false), (Role::Support, true), (Role::Admin, true)] {
        let token =
            authenticator().issue("eve", role, Duration::from_secs(60), Utc::now()).unwrap();
        let caller = bearer_of(&token).unwrap().caller;
        assert_eq!((caller.role(), caller.is_staff()), (Some(role), staff));
        assert_eq!(caller.actor().starts_with("staff:"), staff);
    }
}

#[test]
fn a_token_without_a_role_is_a_customers() {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove("role");
    claims["aud"] = json!(["other", "api"]);
    let caller = bearer_of(&signed(Algorithm::HS256, SECRET, &claims)).unwrap().caller;
    assert_eq!(caller.role(), Some(Role::Customer));
}

#[test]
fn a_token_that_fails_any_check_is_refused() {
    let now = Utc::now().timestamp();
    assert_eq!(refusal("exp", json!(now - 60)), "TOKEN_EXPIRED");
    assert_eq!(refusal("nbf", json!(now + 60)), "TOKEN_NOT_YET_VALID");
    for (claim, value) in [
        ("exp", Value::Null),
        ("iss", Value::Null),
        ("aud", Value::Null),
        ("sub", Value::Null),
        ("iss", json!("another")),
        ("aud", json!("another")),
        ("sub", json!("")),
        ("role", json!("owner")),
        ("exp", json!("tomorrow")),
        ("exp", json!(u64::MAX / 2)),
    ] {
        assert_eq!(refusal(claim, value.clone()), "TOKEN_INVALID", "{claim}: {value}");
    }
}

#[test]
fn only_the_pinned_algorithm_and_the_right_secret_count() {
    for (algorithm, secret) in
        [(Algorithm::HS384, SECRET), (Algorithm::HS512, SECRET), (Algorithm::HS256, "another")]
    {
        assert_eq!(
            bearer_of(&signed(algorithm, secret, &claims())).unwrap_err().reason(),
            "TOKEN_INVALID"
        );
    }
    // {"alg":"none"} and no signature.
    let good = signed(Algorithm::HS256, SECRET, &claims());
    let body = good.split('.').nth(1).unwrap();
    assert_eq!(
        bearer_of(&format!("eyJhbGciOiJub25lIn0.{body}.")).unwrap_err().reason(),
        "TOKEN_INVALID"
    );
    assert_eq!(bearer_of("nonsense").unwrap_err().reason(), "TOKEN_INVALID");
}

#[test]
fn the_scheme_is_bearer_in_any_case() {
    let token = signed(Algorithm::HS256, SECRET, &claims());
    assert!(identify(&[("authorization", &format!("bearer {token}"))]).is_ok());
    for value in ["Basic YTpi", "Bearer", "Bearer ", &token] {
        assert_eq!(
            identify(&[("authorization", value)]),
            Err(Unauthenticated::AuthorizationMalformed),
            "{value}"
        );
    }
}

#[test]
fn an_api_key_is_known_by_its_hash() {
    let caller = identify(&[("x-api-key", "key two")]).unwrap().caller;
    assert_eq!(caller, Caller::Key { name: "desk".into(), role: Role::Support });
    assert_eq!(caller.actor(), "key:desk");
    assert_eq!(identify(&[("x-api-key", "key three")]), Err(Unauthenticated::ApiKeyUnknown));
    assert_eq!(identify(&[("x-api-key", "")]), Err(Unauthenticated::ApiKeyUnknown));
}

#[test]
fn a_cart_token_makes_a_guest_and_accompanies_a_customer() {
    let cart = CartId(Uuid::from_u128(7));
    let cart_token = authenticator().carts.issue(cart);
    let guest = identify(&[("x-cart-token", &cart_token)]).unwrap();
    assert_eq!(guest.caller, Caller::Guest { cart });
    assert_eq!(guest.caller.actor(), format!("guest:{cart}"));

    let token = format!("Bearer {}", signed(Algorithm::HS256, SECRET, &claims()));
    let customer = identify(&[("x-cart-token", &cart_token), ("authorization", &token)]).unwrap();
    assert_eq!(customer.caller.role(), Some(Role::Customer));
}

#[test]
fn a_cart_token_changed_anywhere_is_refused() {
    let token = authenticator().carts.issue(CartId(Uuid::from_u128(7)));
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(
            identify(&[("x-cart-token", &changed)]),
            Err(Unauthenticated::CartTokenInvalid),
            "{at}"
        );
    }
    let other = CartTokens::new(&Secret::new("another secret")).issue(CartId(Uuid::from_u128(7)));
    for token in ["", "AAAA", &token[1..], &other] {
        assert_eq!(
            identify(&[("x-cart-token", token)]),
            Err(Unauthenticated::CartTokenInvalid),
            "{token}"
        );
    }
}

#[test]
fn two_callers_at_once_are_refused() {
    let result = identify(&[("x-api-key", "key one"), ("authorization", "Bearer x")]);
    assert_eq!(result, Err(Unauthenticated::Ambiguous));
}

#[test]
fn nothing_secret_shows_in_debug_output() {
    let shown = format!("{:?}", authenticator());
    assert!(!shown.contains("secret"), "{shown}");
}
