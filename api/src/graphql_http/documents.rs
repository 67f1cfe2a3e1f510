//! A cache of the documents that clients send repeatedly, parsed and validated once.
//!
//! Only documents that passed every check are cached. A cached document is neither parsed nor measured again,
//! nor, if its variables allow it, validated. Both caches are limited in bytes and keep documents that are
//! requested again: a client that sends ever new documents replaces its own.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::Refusal;
use super::document::{self, Document};
use super::params::Persisted;
use crate::config::Limits;

/// Bytes of parsed documents, some two thousand of usual size.
const DOCUMENT_BYTES: u64 = 32 << 20;
/// Bytes of registered texts.
const TEXT_BYTES: u64 = 4 << 20;
/// The number of entries that the caches are prepared for; their limits are in bytes.
const EXPECTED: usize = 1_000;
/// The bytes of an entry besides its text and its tokens.
const ENTRY_BYTES: usize = 512;
/// The most bytes of a parsed token: a field in a vector with room to grow.
const TOKEN_BYTES: usize = 400;

/// The cached documents.
#[derive(Debug)]
pub(super) struct Documents {
    parsed: Cache<Key, Arc<Document>, Bytes>,
    /// Automatic persisted queries: texts by their hash in hexadecimal digits.  Each node has its own;
    /// a client whose text is not here sends it once more, so they need not be shared or stored.
    texts: Cache<String, Arc<str>, Bytes>,
}

/// Everything that [`document::prepare`] depends on, except the limits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    text: String,
    operation: Option<String>,
}

/// The document that a request asks for.
#[derive(Debug)]
pub(super) struct RequestedDocument {
    pub(super) document: Arc<Document>,
    /// Whether it is cached, and so has been validated.
    pub(super) is_known: bool,
    key: Key,
    /// The hash under which the text is to be registered.
    hash: Option<String>,
}

impl Documents {
    pub(super) fn new() -> Self {
        Documents {
            parsed: Cache::with_weighter(EXPECTED, DOCUMENT_BYTES, Bytes),
            texts: Cache::with_weighter(EXPECTED, TEXT_BYTES, Bytes),
        }
    }

    /// The document of this text, or of the text registered under this hash.
    pub(super) fn find(
        &self,
        query: Option<String>,
        persisted: Option<Persisted>,
        operation: Option<String>,
        limits: &Limits,
    ) -> Result<RequestedDocument, Refusal> {
        let (text, hash) = match (query, persisted) {
            (Some(text), None) => (text, None),
            (Some(text), Some(persisted)) => {
                let hash = persisted.hash()?;
                if hash != sha256(&text) {
                    return Err(Refusal::PersistedQueryMismatch);
                }
                (text, Some(hash))
            }
            (None, Some(persisted)) => {
                let text = self.texts.get(&persisted.hash()?);
                (text.ok_or(Refusal::PersistedQueryNotFound)?.to_string(), None)
            }
            (None, None) => return Err(Refusal::Params("query: is missing".to_owned())),
        };
        let key = Key { text, operation };
        if let Some(document) = self.parsed.get(&key) {
            return Ok(RequestedDocument { document, is_known: true, key, hash });
        }
        let document = document::prepare(&key.text, key.operation.as_deref(), limits)?;
        Ok(RequestedDocument { document: Arc::new(document), is_known: false, key, hash })
    }

    /// Caches a document that passed validation.
    pub(super) fn keep(&self, requested: RequestedDocument) {
        if let Some(hash) = requested.hash {
            self.texts.insert(hash, Arc::from(requested.key.text.as_str()));
        }
        if !requested.is_known {
            self.parsed.insert(requested.key, requested.document);
        }
    }
}

impl RequestedDocument {
    pub(super) fn operation(&self) -> Option<&str> {
        self.key.operation.as_deref()
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The weight of an entry in bytes.
#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Key, Arc<Document>> for Bytes {
    fn weight(&self, key: &Key, document: &Arc<Document>) -> u64 {
        let operation = key.operation.as_ref().map_or(0, String::len);
        (ENTRY_BYTES + key.text.len() + operation + document.tokens * TOKEN_BYTES) as u64
    }
}

impl Weighter<String, Arc<str>> for Bytes {
    fn weight(&self, hash: &String, text: &Arc<str>) -> u64 {
        (ENTRY_BYTES + hash.len() + text.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(documents: &Documents, query: &str, operation: Option<&str>) -> RequestedDocument {
        let operation = operation.map(str::to_owned);
        documents.find(Some(query.to_owned()), None, operation, &Limits::default()).unwrap()
    }

    #[test]
    fn a_document_is_known_by_its_text_and_its_operation() {
        let documents = Documents::new();
        let text = "query A { a } query B { b }";
        documents.keep(find(&documents, text, Some("A")));
        assert!(find(&documents, text, Some("A")).is_known);
        assert!(!find(&documents, text, Some("B")).is_known);
        assert!(!find(&documents, "query A { a } query B { b } ", Some("A")).is_known);
    }

    #[test]
    fn ever_new_documents_fill_no_more_than_their_room() {
        let documents = Documents::new();
        let document = find(&documents, &format!("{{ {} }}", "a ".repeat(990)), None).document;
        for n in 0..2_000 {
            let key = Key { text: "x".repeat(10_000), operation: Some(n.to_string()) };
            let (document, hash) = (document.clone(), Some(sha256(&n.to_string())));
            documents.keep(RequestedDocument { document, is_known: false, key, hash });
        }
        // 400 kB each of 32 MiB, and 10 kB each of 4 MiB.
        let kept = (documents.parsed.len(), documents.texts.len());
        assert!((10..=84).contains(&kept.0) && (100..=420).contains(&kept.1), "{kept:?}");
    }

    #[test]
    fn what_is_asked_for_again_outlives_what_is_not() {
        let documents = Documents::new();
        documents.keep(find(&documents, "{ often }", None));
        let document = find(&documents, &format!("{{ {} }}", "a ".repeat(990)), None).document;
        for n in 0..1_000 {
            let key = Key { text: n.to_string(), operation: None };
            documents.keep(RequestedDocument {
                document: document.clone(),
                is_known: false,
                key,
                hash: None,
            });
            assert!(find(&documents, "{ often }", None).is_known, "{n}");
        }
    }
}
