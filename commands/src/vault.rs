//! Encrypts personal data with one key per person before it enters the log.
//!
//! The keys are in a table apart from the log. Destroying a key makes that person's data unreadable
//! and leaves the log as it is.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use domain::{Personal, SubjectId};
use quick_cache::sync::Cache;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;

/// The most keys that are kept in memory.
const KEYS_MAX: usize = 10_000;

/// Seals and opens personal data. The clones share a cache of keys.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    keys: Arc<Cache<SubjectId, Key>>,
}

/// Why personal data cannot be sealed or opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// The person has been forgotten. No data can be sealed for this subject again.
    #[error("the key of subject {0} was destroyed")]
    Forgotten(SubjectId),
    #[error("the keys cannot be read: {0}")]
    Database(Arc<sqlx::Error>),
    /// The sealed text was changed, or another key sealed it.
    #[error("the sealed data of subject {0} cannot be opened")]
    Broken(SubjectId),
    #[error("the value cannot be sealed: {0}")]
    Value(Arc<serde_json::Error>),
}

impl Vault {
    pub fn new(pool: PgPool) -> Self {
        Vault { pool, keys: Arc::new(Cache::new(KEYS_MAX)) }
    }

    /// Encrypts a value with the subject's key, which is created if there is none.
    ///
    /// # Errors
    /// The key was destroyed or cannot be read, or the value is not JSON.
    pub async fn seal(
        &self,
        subject: SubjectId,
        value: &impl Serialize,
    ) -> Result<Personal, VaultError> {
        let plain =
            serde_json::to_vec(value).map_err(|error| VaultError::Value(Arc::new(error)))?;
        let key = self.keys.get_or_insert_async(&subject, self.key(subject)).await?;
        let nonce: [u8; 24] = rand::random();
        let payload = Payload { msg: &plain, aad: subject.0.as_bytes() };
        let sealed = XChaCha20Poly1305::new(&key).encrypt(&XNonce::from(nonce), payload);
        Ok(Personal {
            subject,
            nonce: BASE64.encode(nonce),
            ciphertext: BASE64.encode(sealed.map_err(|_| VaultError::Broken(subject))?),
        })
    }

    /// Decrypts a value. `None` if its person has been forgotten.
    ///
    /// # Errors
    /// The key cannot be read, or the data was changed.
    pub async fn open<T: DeserializeOwned>(
        &self,
        personal: &Personal,
    ) -> Result<Option<T>, VaultError> {
        let subject = personal.subject;
        let key = match self.keys.get_or_insert_async(&subject, self.key(subject)).await {
            Ok(key) => key,
            Err(VaultError::Forgotten(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let broken = || VaultError::Broken(subject);
        let nonce = BASE64.decode(&personal.nonce).map_err(|_| broken())?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| broken())?;
        let sealed = BASE64.decode(&personal.ciphertext).map_err(|_| broken())?;
        let payload = Payload { msg: &sealed, aad: subject.0.as_bytes() };
        let plain = XChaCha20Poly1305::new(&key).decrypt(&XNonce::from(nonce), payload);
        let plain = plain.map_err(|_| broken())?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| broken())
    }

    async fn key(&self, subject: SubjectId) -> Result<Key, VaultError> {
        let fresh: [u8; 32] = rand::random();
        // The update changes nothing; it makes the statement return the row even if it existed.
        let key: Option<Vec<u8>> = sqlx::query_scalar(
            "insert into subject_keys (subject, key) values ($1, $2)
             on conflict (subject) do update set subject = excluded.subject
             returning key",
        )
        .bind(subject.0)
        .bind(&fresh[..])
        .fetch_one(&self.pool)
        .await
        .map_err(|error| VaultError::Database(Arc::new(error)))?;
        let key = key.ok_or(VaultError::Forgotten(subject))?;
        let key: [u8; 32] = key.try_into().map_err(|_| VaultError::Broken(subject))?;
        Ok(Key::from(key))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}
