//! The hash of a request, which distinguishes a repetition from another request under the same key.
//!
//! It covers the key, the mutation's name and the input in a canonical form: JSON without spaces
//! whose objects have their fields sorted by name. The form has a version, which is hashed too, so
//! that a later form cannot give the same hash by chance. The log keeps hashes for ever; those that
//! an older release stored are compared in the form of that release.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The version of the canonical form.
const VERSION: &str = "canonical/1";

type Hash = [u8; 32];

#[derive(Clone)]
pub struct RequestHash {
    today: Hash,
    /// The same request as release 0.1 hashed it. Calculated only if the log has another hash under
    /// the key.
    release_0_1: Option<Arc<dyn Fn() -> Option<Hash> + Send + Sync>>,
}

impl RequestHash {
    /// `input` is everything that a repetition must repeat, without the optional inputs that were
    /// not sent.
    ///
    /// The key is hashed together with the input and is not stored: a reader of the log cannot
    /// guess personal data and compare hashes.
    ///
    /// # Errors
    /// If the input is not JSON.
    pub fn new(
        key: &str,
        mutation: &str,
        input: &impl Serialize,
    ) -> Result<RequestHash, serde_json::Error> {
        let mut text = String::new();
        write_canonical(&serde_json::to_value(input)?, &mut text)?;
        Ok(RequestHash { today: hash(&[VERSION, key, mutation, &text]), release_0_1: None })
    }

    /// `input` returns the JSON text of the same input as release 0.1 wrote it, or None if that
    /// release had no such input.
    #[must_use]
    pub fn with_release_0_1(
        self,
        key: &str,
        mutation: &'static str,
        input: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> RequestHash {
        let key = key.to_owned();
        let release_0_1 = move || input().map(|input| hash(&[&key, mutation, &input]));
        RequestHash { release_0_1: Some(Arc::new(release_0_1)), ..self }
    }

    /// What the log stores.
    pub fn to_stored(&self) -> Hash {
        self.today
    }

    /// Whether the stored hash is the hash of this request, in the form of any release.
    pub fn matches(&self, stored: &Hash) -> bool {
        let older = || self.release_0_1.as_ref().is_some_and(|older| older() == Some(*stored));
        self.today == *stored || older()
    }
}

/// Hashes the parts with their lengths, so that no two lists of parts are hashed as the same bytes.
fn hash(parts: &[&str]) -> Hash {
    let whole = parts.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
    });
    whole.finalize().into()
}

fn write_canonical(value: &Value, to: &mut String) -> Result<(), serde_json::Error> {
    match value {
        Value::Object(fields) => {
            // Sorted here, because the order of serde_json's own map depends on a feature of that
            // crate.
            let fields: BTreeMap<_, _> = fields.iter().collect();
            write_list(('{', '}'), fields, to, |(name, value), to| {
                to.push_str(&serde_json::to_string(name)?);
                to.push(':');
                write_canonical(value, to)
            })
        }
        Value::Array(items) => write_list(('[', ']'), items, to, write_canonical),
        scalar => {
            to.push_str(&serde_json::to_string(scalar)?);
            Ok(())
        }
    }
}

fn write_list<T>(
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    to: &mut String,
    write: impl Fn(T, &mut String) -> Result<(), serde_json::Error>,
) -> Result<(), serde_json::Error> {
    to.push(open);
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            to.push(',');
        }
        write(item, to)?;
    }
    to.push(close);
    Ok(())
}

impl fmt::Debug for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHash").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hex(hash: Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn request(input: &Value) -> RequestHash {
        RequestHash::new("k", "cartLinesAdd", input).unwrap()
    }

    #[test]
    fn the_canonical_text_has_sorted_names_and_no_spaces() {
        let input = json!({"b": [1, {"d": null, "c": "x \" ü"}], "a": true});
        let mut text = String::new();
        write_canonical(&input, &mut text).unwrap();
        assert_eq!(text, r#"{"a":true,"b":[1,{"c":"x \" ü","d":null}]}"#);
    }

    /// The log keeps these hashes for ever. If they must change, the form needs a new version, and
    /// hashes of the old version must still be compared.
    #[test]
    fn the_hashes_of_the_canonical_form_are_golden() {
        for (input, golden) in [
            (json!({}), "d78a0b4606fabd5870c2009d195045207895dcb9826d9d7013f18c40b4cce838"),
            (
                json!({"lines": [{"sku": "MUG", "quantity": 2}]}),
                "a855586a4bcc761c3985ea65605c2a2eff280b24eabebfc5cdeec9bb0e563679",
            ),
            (
                json!({"lines": [{"sku": "MUG", "quantity": 2}], "cartId": null}),
                "2cf1740526932a9cb6fac55e64143bf84396acd962a27b0bd666d60ed4c2d889",
            ),
        ] {
            assert_eq!(hex(request(&input).to_stored()), golden, "{input}");
        }
    }

    #[test]
    fn the_hash_of_release_0_1_is_golden() {
        let text = r#"{"cart_id":null,"lines":[]}"#.to_owned();
        let golden = "a325e3afba0712925b0baa5c9d0fb61e13f586ebda88a5b722e5aa76b2cf134b";
        assert_eq!(hex(hash(&["k", "cartLinesAdd", &text])), golden);
        let sent =
            request(&json!({})).with_release_0_1("k", "cartLinesAdd", move || Some(text.clone()));
        assert!(sent.matches(&hash(&["k", "cartLinesAdd", r#"{"cart_id":null,"lines":[]}"#])));
        assert!(!sent.matches(&hash(&["k", "cartLinesAdd", r#"{"cart_id":null}"#])));
        assert!(sent.matches(&sent.to_stored()));
    }

    #[test]
    fn key_mutation_and_input_all_count() {
        let input = json!({"a": 1});
        let stored = request(&input).to_stored();
        let other = |key, mutation, input: &Value| RequestHash::new(key, mutation, input).unwrap();
        assert!(other("k", "cartLinesAdd", &input).matches(&stored));
        assert!(!other("l", "cartLinesAdd", &input).matches(&stored));
        assert!(!other("k", "cartClear", &input).matches(&stored));
        assert!(!other("k", "cartLinesAdd", &json!({"a": 2})).matches(&stored));
        assert!(!other("k", "cartLinesAdd", &json!({"a": 1, "b": null})).matches(&stored));
    }
}
