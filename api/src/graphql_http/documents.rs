//! A cache of documents, so that a document that clients send repeatedly is parsed and validated once.
//!
//! Only documents that passed every check are cached. A cached document is not parsed and measured again, and not
//! validated again unless its variables need it. Both caches are limited in bytes and prefer to keep documents that
//! were requested more than once. So a client that sends many different documents replaces its own.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::Refusal;
use super::document::{self, Document};
use super::params::Persisted;
use crate::config::Limits;

/// The capacity for parsed documents in bytes, enough for about 2,000 of usual size.
const DOCUMENT_BYTES: u64 = 32 << 20;
/// The capacity for registered texts in bytes.
const TEXT_BYTES: u64 = 4 << 20;
/// The number of entries that each cache is expected to hold. It is no limit.
const EXPECTED_ENTRIES: usize = 1_000;
/// The estimated size in bytes of an entry without its text and its tokens.
const ENTRY_BYTES: usize = 512;
/// The largest size in bytes of a parsed token: a field in a vector with spare capacity.
const TOKEN_BYTES: usize = 400;

/// The cached documents.
#[derive(Debug)]
pub(super) struct Documents {
    parsed: Cache<Key, Arc<Document>, SizeInBytes>,
    /// The texts of automatic persisted queries, by their hash in hexadecimal digits. Each node has its own cache: a
    /// client whose text is missing sends the text again.
    texts: Cache<String, Arc<str>, SizeInBytes>,
}

/// Everything that [`document::prepare`] depends on, except the limits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    text: String,
    operation: Option<String>,
}

/// The document that a request refers to.
#[derive(Debug)]
pub(super) struct RequestedDocument {
    pub(super) document: Arc<Document>,
    /// Whether the document was in the cache, which means that it was validated before.
    pub(super) is_cached: bool,
    key: Key,
    /// The hash under which the text is to be registered, if the client sent one.
    hash: Option<String>,
}

impl Documents {
    pub(super) fn new() -> Self {
        Documents {
            parsed: Cache::with_weighter(EXPECTED_ENTRIES, DOCUMENT_BYTES, SizeInBytes),
            texts: Cache::with_weighter(EXPECTED_ENTRIES, TEXT_BYTES, SizeInBytes),
        }
    }

    /// Finds or prepares the document with this text, or with the text that is registered under this hash.
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
            (None, None) => return Err(Refusal::Params("query is missing".to_owned())),
        };
        let key = Key { text, operation };
        if let Some(document) = self.parsed.get(&key) {
            return Ok(RequestedDocument { document, is_cached: true, key, hash });
        }
        let document = document::prepare(&key.text, key.operation.as_deref(), limits)?;
        Ok(RequestedDocument { document: Arc::new(document), is_cached: false, key, hash })
    }

    /// Caches a document that passed validation.
    pub(super) fn insert(&self, requested: RequestedDocument) {
        if let Some(hash) = requested.hash {
            self.texts.insert(hash, Arc::from(requested.key.text.as_str()));
        }
        if !requested.is_cached {
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

/// Estimates the size of an entry in bytes.
#[derive(Debug, Clone)]
struct SizeInBytes;

impl Weighter<Key, Arc<Document>> for SizeInBytes {
    fn weight(&self, key: &Key, document: &Arc<Document>) -> u64 {
        let operation = key.operation.as_ref().map_or(0, String::len);
        (ENTRY_BYTES + key.text.len() + operation + document.tokens * TOKEN_BYTES) as u64
    }
}

impl Weighter<String, Arc<str>> for SizeInBytes {
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
    fn a_document_is_cached_by_its_text_and_its_operation() {
        let documents = Documents::new();
        let text = "query A { a } query B { b }";
        documents.insert(find(&documents, text, Some("A")));
        assert!(find(&documents, text, Some("A")).is_cached);
        assert!(!find(&documents, text, Some("B")).is_cached);
        assert!(!find(&documents, "query A { a } query B { b } ", Some("A")).is_cached);
    }

    #[test]
    fn the_cache_does_not_exceed_its_capacity() {
        let documents = Documents::new();
        let document = find(&documents, &format!("{{ {} }}", "a ".repeat(990)), None).document;
        for n in 0..2_000 {
            let key = Key { text: "x".repeat(10_000), operation: Some(n.to_string()) };
            let (document, hash) = (document.clone(), Some(sha256(&n.to_string())));
            documents.insert(RequestedDocument { document, is_cached: false, key, hash });
        }
        // 400 kB each of 32 MiB, and 10 kB each of 4 MiB.
        let kept = (documents.parsed.len(), documents.texts.len());
        assert!((10..=84).contains(&kept.0) && (100..=420).contains(&kept.1), "{kept:?}");
    }

    #[test]
    fn a_document_that_is_requested_again_stays_in_the_cache() {
        let documents = Documents::new();
        documents.insert(find(&documents, "{ often }", None));
        let document = find(&documents, &format!("{{ {} }}", "a ".repeat(990)), None).document;
        for n in 0..1_000 {
            let key = Key { text: n.to_string(), operation: None };
            documents.insert(RequestedDocument {
                document: document.clone(),
                is_cached: false,
                key,
                hash: None,
            });
            assert!(find(&documents, "{ often }", None).is_cached, "{n}");
        }
    }
}
