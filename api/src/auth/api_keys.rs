//! Reads the file of API keys. It has the name, the role and the hash of each key, but not the key itself.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::Role;

/// One key that may be presented in `X-API-Key`.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The name of the key's holder. In the event log the actor is `key:` and this name.
    pub name: Arc<str>,
    pub role: Role,
    pub sha256: [u8; 32],
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeysError {
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("entry {entry} is not of the form {{\"name\", \"role\", \"sha256\"}}: {source}")]
    Entry { entry: usize, source: serde_json::Error },
    #[error("the file is not a JSON array: {0}")]
    Array(serde_json::Error),
    #[error("key {0:?}: a name must consist of letters, digits, '-', '_' and '.'")]
    Name(String),
    #[error("key {0:?}: sha256 must be the key's SHA-256 hash in 64 hexadecimal digits")]
    Hash(String),
    #[error("key {0:?}: the role must be support or admin; customers sign in with a token instead")]
    Role(String),
    #[error("the name {0:?} is used twice")]
    DuplicateName(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    role: Role,
    sha256: String,
}

/// Reads the file of `API_KEYS_FILE`.
///
/// # Errors
/// If the file cannot be read, or for the first entry that cannot be used.
pub fn read_api_keys(path: &Path) -> Result<Vec<ApiKey>, ApiKeysError> {
    parse(&std::fs::read_to_string(path)?)
}

fn parse(text: &str) -> Result<Vec<ApiKey>, ApiKeysError> {
    let mut keys: Vec<ApiKey> = Vec::new();
    for entry in parse_entries(text)? {
        let key = check_entry(entry)?;
        if keys.iter().any(|other| other.name == key.name) {
            return Err(ApiKeysError::DuplicateName(key.name.to_string()));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn parse_entries(text: &str) -> Result<Vec<Entry>, ApiKeysError> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(ApiKeysError::Array);
    }
    let entry = |(entry, parsed): (usize, Result<Entry, serde_json::Error>)| {
        parsed.map_err(|source| ApiKeysError::Entry { entry: entry + 1, source })
    };
    serde_json::Deserializer::from_str(text).into_iter().enumerate().map(entry).collect()
}

fn check_entry(Entry { name, role, sha256 }: Entry) -> Result<ApiKey, ApiKeysError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_allowed) {
        return Err(ApiKeysError::Name(name));
    }
    if role == Role::Customer {
        return Err(ApiKeysError::Role(name));
    }
    match parse_hex(&sha256) {
        Some(sha256) => Ok(ApiKey { name: name.into(), role, sha256 }),
        None => Err(ApiKeysError::Hash(name)),
    }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn keys_are_an_array_or_one_object_a_line() {
        let one = format!(r#"{{"name":"erp","role":"admin","sha256":"{HASH}"}}"#);
        let two = format!(r#"{{"name":"desk","role":"support","sha256":"{HASH}"}}"#);
        for text in [format!("[{one},{two}]"), format!("{one}\n{two}\n")] {
            let keys = parse(&text).unwrap();
            assert_eq!(keys.len(), 2);
            assert_eq!(
                (&*keys[1].name, keys[1].role, keys[1].sha256[0]),
                ("desk", Role::Support, 0xba)
            );
        }
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn the_error_names_the_entry_that_cannot_be_used() {
        let key = |name: &str, role: &str, hash: &str| {
            format!(r#"{{"name":"{name}","role":"{role}","sha256":"{hash}"}}"#)
        };
        assert!(refusal(&key("erp", "admin", "abc")).contains("\"erp\""));
        assert!(refusal(&key("a b", "admin", HASH)).contains("\"a b\""));
        assert!(refusal(&key("shop", "customer", HASH)).contains("customer"));
        let good = key("erp", "admin", HASH);
        assert!(refusal(&format!("{good}\n{good}")).contains("twice"));
        assert!(refusal(&format!("{good}\n{{}}")).starts_with("entry 2"));
    }
}
