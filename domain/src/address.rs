//! The recipient of the goods and the address. Both are validated here, and sealed as [`Personal`]
//! before they are stored.
//!
//! [`Personal`]: crate::Personal

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Invalid, Text};

/// Who placed an order, and how to reach them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub name: Text,
    pub email: Email,
    pub phone: Option<Text>,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub street: Text,
    pub city: Text,
    /// State, province or county, if the country has them.
    pub region: Option<Text>,
    pub postal_code: Option<Text>,
    pub country: Text,
}

/// An e-mail address: something before and after one `@`, at most 254 characters (RFC 5321).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(email: &str) -> Result<Self, Invalid> {
        let email = email.trim();
        let plausible = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        match email.rsplit_once('@') {
            Some((local, host))
                if email.len() <= 254
                    && local.len() <= 64
                    && plausible(local)
                    && !local.contains('@')
                    && plausible(host) =>
            {
                Ok(Email(email.to_owned()))
            }
            _ => Err(Invalid::new(
                ErrorCode::InvalidEmail,
                "an e-mail address must look like name@example.org and have at most 254 characters",
            )),
        }
    }
}
