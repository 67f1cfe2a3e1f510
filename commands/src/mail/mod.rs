//! Mail: notifications put into words and handed to whoever delivers them.
//!
//! Sending is at-least-once: a message whose outcome was not recorded is sent again, under the same
//! Message-ID. Read `worker.rs` for when something is sent, `words/` for what it says.

mod folder;
mod letter;
mod post;
mod smtp;
mod words;
mod worker;

use std::path::Path;
use std::time::Duration;

pub use domain::notification::RetrySchedule;
pub use lettre::message::Mailbox;

use self::folder::Folder;
use self::letter::Letter;
pub use self::post::{BadTemplates, Post};
pub use self::smtp::BadSmtpUrl;
use self::smtp::Smtp;
pub use self::worker::run;

/// What the shop's owner decided about mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The shop's name, as customers know it.
    pub shop: String,
    pub from: Mailbox,
    /// Who is told of low stock.
    pub staff: Option<Mailbox>,
    pub backoff: RetrySchedule,
    /// How long one attempt may take.
    pub timeout: Duration,
}

/// Takes mail, and sees to it that it is delivered.
#[derive(Debug, Clone)]
pub struct Mailer(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Folder(Folder),
    Smtp(Smtp),
}

/// Why a message was not taken. The reasons name nobody, for they are stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum MailError {
    /// Nobody can be reached now; the message may have been taken all the same.
    #[error("{0}")]
    Unreachable(String),
    /// This message was not taken now.
    #[error("{0}")]
    Postponed(String),
    /// It was not taken, and asking again is in vain.
    #[error("{0}")]
    Refused(String),
}

impl Mailer {
    /// A folder of `.eml` files, which is made where there is none.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn folder(path: &Path) -> std::io::Result<Mailer> {
        Folder::new(path).map(|folder| Mailer(Backend::Folder(folder)))
    }

    /// A mail server such as `smtp://user:password@mail.example:587`.
    ///
    /// # Errors
    /// Where the URL is none of a mail server that this program can talk to.
    pub fn smtp(url: &str) -> Result<Mailer, BadSmtpUrl> {
        Smtp::new(url).map(|smtp| Mailer(Backend::Smtp(smtp)))
    }

    /// The most messages that are sent at the same time.
    fn parallel(&self) -> usize {
        match &self.0 {
            Backend::Folder(_) => 32,
            Backend::Smtp(_) => 8,
        }
    }

    async fn send(&self, letter: &Letter, within: Duration) -> Result<(), MailError> {
        let sent = async {
            match &self.0 {
                Backend::Folder(folder) => folder.save(letter).await,
                Backend::Smtp(smtp) => smtp.send(letter).await,
            }
        };
        let late = || MailError::Unreachable("no answer in time".to_owned());
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
            timeout: Duration::from_secs(20),
        }
    }
}
