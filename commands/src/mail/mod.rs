//! The mail outbox: renders the notifications that are due and sends them as e-mails.
//!
//! Sending is at-least-once: a message whose outcome was not recorded is sent again, with the same
//! Message-ID. `worker.rs` decides when a message is sent, `outbox.rs` sends it, and `templates/`
//! holds its text.

mod email;
mod folder;
mod outbox;
mod smtp;
mod templates;
mod worker;

use std::path::Path;
use std::time::Duration;

pub use domain::notification::RetrySchedule;
pub use lettre::message::Mailbox;

use self::email::ComposedEmail;
use self::folder::Folder;
pub use self::outbox::{BadTemplates, MailOutbox};
pub use self::smtp::BadSmtpUrl;
use self::smtp::Smtp;
pub use self::worker::run;

/// The shop owner's settings for mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The shop's name, as customers know it.
    pub shop: String,
    /// The sender of every e-mail.
    pub from: Mailbox,
    /// The recipient of messages about low stock. Without one they are abandoned.
    pub staff: Option<Mailbox>,
    /// When a failed attempt is repeated, and when the message is given up.
    pub backoff: RetrySchedule,
    /// The longest that one attempt may take.
    pub timeout: Duration,
}

/// Delivers e-mails, into a folder or by SMTP.
#[derive(Debug, Clone)]
pub struct Mailer(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Folder(Folder),
    Smtp(Smtp),
}

/// Why an e-mail was not sent. The reasons are stored, so they name no person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum MailError {
    /// The mailer cannot be reached now. It may have accepted the message nevertheless.
    #[error("{0}")]
    Unreachable(String),
    /// The mailer did not accept this message now; it may do so later.
    #[error("{0}")]
    Postponed(String),
    /// The mailer refused this message permanently.
    #[error("{0}")]
    Refused(String),
}

impl Mailer {
    /// Saves e-mails as `.eml` files in a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn folder(path: &Path) -> std::io::Result<Mailer> {
        Folder::new(path).map(|folder| Mailer(Backend::Folder(folder)))
    }

    /// Sends e-mails by a server such as `smtp://user:password@mail.example:587`.
    ///
    /// # Errors
    /// The URL is not one of a mail server, or would send a password in clear text.
    pub fn smtp(url: &str) -> Result<Mailer, BadSmtpUrl> {
        Smtp::new(url).map(|smtp| Mailer(Backend::Smtp(smtp)))
    }

    /// The most e-mails that are sent at the same time.
    fn parallel(&self) -> usize {
        match &self.0 {
            Backend::Folder(_) => 32,
            Backend::Smtp(_) => 8,
        }
    }

    async fn send(&self, email: &ComposedEmail, within: Duration) -> Result<(), MailError> {
        let sent = async {
            match &self.0 {
                Backend::Folder(folder) => folder.save(email).await,
                Backend::Smtp(smtp) => smtp.send(email).await,
            }
        };
        let late = || MailError::Unreachable("the mailer did not answer in time".to_owned());
        tokio::time::timeout(within, sent).await.unwrap_or_else(|_| Err(late()))
    }
}

impl Default for Settings {
    fn default() -> Self {
        let from =
            lettre::Address::new("cartulary", "localhost").map(|email| Mailbox::new(None, email));
        Settings {
            shop: "Cartulary".to_owned(),
            from: from.unwrap_or_else(|_| unreachable!("cartulary@localhost is an address")),
            staff: None,
            backoff: RetrySchedule::default(),
            timeout: event_store::time_limits::MAIL_DELIVERY,
        }
    }
}
