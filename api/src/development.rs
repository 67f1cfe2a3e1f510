//! The accounts of a development server: their tokens stand in the banner, and the console offers them.

use std::time::Duration;

use chrono::Utc;

use crate::auth::{Authenticator, IssueError, Role};

/// The tokens are valid for a working day.
const TOKEN_TTL: Duration = Duration::from_secs(8 * 3600);

/// An account that exists only in development.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    pub subject: &'static str,
    pub role: Role,
}

pub const ACCOUNTS: [Account; 3] = [
    Account { subject: "ada", role: Role::Customer },
    Account { subject: "desk", role: Role::Support },
    Account { subject: "owner", role: Role::Admin },
];

impl Account {
    /// A token of this account, valid for 8 hours.
    pub fn issue_token(self, auth: &Authenticator) -> Result<String, IssueError> {
        auth.issue(self.subject, self.role, TOKEN_TTL, Utc::now())
    }
}
