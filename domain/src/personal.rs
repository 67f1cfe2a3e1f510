//! Personal data as the log holds it: sealed, and forgotten when its key is destroyed.

use serde::{Deserialize, Serialize};

use crate::SubjectId;

/// A value sealed under the key of the person it is about. The rules never look inside; it is
/// opened only when an authorised reader is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// Whose key opens it.
    pub subject: SubjectId,
    /// Base64, 24 bytes, never used twice under one key.
    pub nonce: String,
    /// Base64 of the sealed JSON value with its authentication tag.
    pub ciphertext: String,
}
