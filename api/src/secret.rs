//! Values that must not be printed.

use std::fmt;
use std::sync::Arc;

/// The minimal length of a secret that signs: as long as the SHA-256 hash it is used with.
pub const MIN_BYTES: usize = 32;

/// A secret. `Debug` and `Display` print stars; [`Secret::expose`] returns the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Secret(value.into())
    }

    /// The value itself. Use it to sign or to connect, and never write it to a log or an answer.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn expose_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Removes the password and the parameters of a URL, because either may be secret.
pub fn masked_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    // A password may hold an `@` or a `/`, so everything up to the last `@` is taken for credentials.
    let (credentials, location) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user = credentials.split(':').next().unwrap_or_default();
    match (scheme, credentials) {
        ("", _) => "***".to_owned(),
        (_, "") => format!("{scheme}://{location}"),
        _ => format!("{scheme}://{user}:***@{location}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret} {secret:?} {:#?}", Some(&secret)),
            "*** *** Some(\n    ***,\n)"
        );
    }
}
