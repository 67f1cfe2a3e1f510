//! The accounts of a development server. The banner prints a token for each, and the console offers those of staff.

use std::time::Duration;

use chrono::Utc;

use crate::auth::{Authenticator, IssueError, Role};

/// How long a token is valid: one working day.
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
    /// Issues a token for this account, valid for 8 hours.
    pub fn issue_token(self, auth: &Authenticator) -> Result<String, IssueError> {
        auth.issue(self.subject, self.role, TOKEN_TTL, Utc::now())
    }
}
