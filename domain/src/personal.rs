//! Personal data as it is stored: encrypted, and unreadable once its key is destroyed.

use serde::{Deserialize, Serialize};

use crate::SubjectId;

/// A value that is encrypted under the key of the person whom it is about. The rules never read it;
/// it is decrypted only for a reader who is allowed to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// The person whose key decrypts it.
    pub subject: SubjectId,
    /// Base64 of 24 bytes that are used only once under this key.
    pub nonce: String,
    /// Base64 of the encrypted JSON value with its authentication tag.
    pub ciphertext: String,
}
