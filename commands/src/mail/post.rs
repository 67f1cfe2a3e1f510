//! One message's way: looked at, put into words, handed over, and the outcome recorded.

use std::time::Duration;

use chrono::Utc;
use domain::notification::{
    DeliveryOutcome, NotificationCommand, OutgoingMessage as Pending, Recipient,
};
use domain::{Contact, NotificationId, State};
use projections::ReadModels;
use projections::deadlines::DueNotification;
use tracing::Instrument;
use uuid::Uuid;

use super::letter::{Envelope, Letter, mailbox};
use super::words::Templates;
use super::{MailError, Mailbox, Mailer, Settings};
use crate::backoff::pause;
use crate::notification::AskNotification;
use crate::trace::SPANS;
use crate::{Bus, CommandError, Context, Vault, metrics};

/// Everything that sending needs.
#[derive(Debug, Clone)]
pub struct Post {
    pub(super) bus: Bus,
    pub(super) read_models: ReadModels,
    vault: Vault,
    pub(super) mailer: Mailer,
    settings: Settings,
    templates: Templates,
}

/// The message templates make no sense.
#[derive(Debug, thiserror::Error)]
#[error("the templates of messages: {0}")]
pub struct BadTemplates(#[from] minijinja::Error);

impl Post {
    /// # Errors
    /// Where a template cannot be parsed, which a test should have found.
    pub fn new(
        bus: Bus,
        read_models: ReadModels,
        vault: Vault,
        mailer: Mailer,
        settings: Settings,
    ) -> Result<Post, BadTemplates> {
        let templates = Templates::new()?;
        Ok(Post { bus, read_models, vault, mailer, settings, templates })
    }
}

/// Whether whoever delivers mail was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Reached,
    Unreachable,
    /// Nobody had to be asked.
    NotAsked,
}

impl Post {
    /// Makes the attempt that is due, if it still is, and records what came of it.
    pub(super) async fn deliver(&self, due: &DueNotification) -> Reach {
        let letter = match self.find(due).await {
            Ok(Some(letter)) => letter,
            Ok(None) => return Reach::NotAsked,
            Err(error) => {
                let notification = due.notification;
                tracing::warn!(%notification, %error, "a message cannot be read");
                return Reach::NotAsked;
            }
        };
        let span = tracing::debug_span!(target: SPANS, "mail", attempt = due.attempt);
        let attempt = self.attempt(due.notification, due.attempt, &letter).instrument(span);
        let (reach, command) = attempt.await;
        metrics::mail_ended(&command);
        self.record(due, command).await;
        reach
    }

    /// The message, if this attempt is to be made now.
    async fn find(&self, due: &DueNotification) -> Result<Option<Box<Pending>>, CommandError> {
        let stream = due.notification.stream();
        let known = self.bus.look(stream, letter).await?;
        // Another node may have made attempts since this one has heard of it.
        let is_behind = known.as_ref().is_none_or(|known| known.next_attempt() < due.attempt);
        let found = if is_behind { letter(&self.bus.load(stream).await?.0) } else { known };
        Ok(found.filter(|letter| letter.attempt_due(Utc::now()) == Some(due.attempt)))
    }

    async fn attempt(
        &self,
        notification: NotificationId,
        attempt: u32,
        letter: &Pending,
    ) -> (Reach, NotificationCommand) {
        let letter = match self.write(notification, letter).await {
            Ok(letter) => letter,
            Err(Unwritten::Never(reason)) => {
                tracing::warn!(%notification, reason, "a message is given up");
                return (
                    Reach::NotAsked,
                    NotificationCommand::Abandon { reason: reason.to_owned() },
                );
            }
            Err(Unwritten::NotNow(reason)) => {
                let failed = self.failed(notification, attempt, reason.to_owned());
                return (Reach::NotAsked, failed);
            }
        };
        match self.mailer.send(&letter, self.settings.timeout).await {
            Ok(()) => {
                let outcome = DeliveryOutcome::Sent;
                (Reach::Reached, NotificationCommand::Record { attempt, outcome })
            }
            Err(MailError::Unreachable(reason)) => {
                (Reach::Unreachable, self.failed(notification, attempt, reason))
            }
            Err(MailError::Postponed(reason)) => {
                (Reach::Reached, self.failed(notification, attempt, reason))
            }
            Err(MailError::Refused(reason)) => {
                tracing::warn!(%notification, attempt, reason, "a message was refused for good");
                let outcome = DeliveryOutcome::Failed { reason, next_attempt_at: None };
                (Reach::Reached, NotificationCommand::Record { attempt, outcome })
            }
        }
    }

    fn failed(
        &self,
        notification: NotificationId,
        attempt: u32,
        reason: String,
    ) -> NotificationCommand {
        tracing::warn!(%notification, attempt, reason, "a message was not sent");
        let pause = self.settings.backoff.after(attempt, notification);
        let next_attempt_at = pause.map(|pause| Utc::now() + pause);
        NotificationCommand::Record {
            attempt,
            outcome: DeliveryOutcome::Failed { reason, next_attempt_at },
        }
    }

    async fn write(
        &self,
        notification: NotificationId,
        letter: &Pending,
    ) -> Result<Letter, Unwritten> {
        let request = &letter.request;
        let (name, to) = self.recipient(&request.recipient).await?;
        let words = self.templates.render(&self.settings.shop, &name, &request.message);
        let words = words.map_err(|error| {
            tracing::error!(%notification, %error, "a message cannot be put into words");
            Unwritten::NotNow("it could not be put into words")
        })?;
        let envelope =
            Envelope { notification, requested_at: request.at, from: &self.settings.from, to };
        Letter::new(envelope, &words).map_err(|error| {
            tracing::error!(%notification, %error, "a message cannot be put together");
            Unwritten::NotNow("it could not be put together")
        })
    }

    async fn recipient(&self, recipient: &Recipient) -> Result<(String, Mailbox), Unwritten> {
        let contact = match recipient {
            Recipient::Staff => {
                let nobody = Unwritten::Never("no address of staff is configured");
                return self.settings.staff.clone().map(|to| (String::new(), to)).ok_or(nobody);
            }
            Recipient::Buyer { contact, .. } => self.vault.open::<Contact>(contact).await,
        };
        let contact = contact.map_err(|error| {
            tracing::error!(%error, "a recipient cannot be opened");
            Unwritten::NotNow("its recipient could not be opened")
        })?;
        let contact = contact.ok_or(Unwritten::Never("its recipient is forgotten"))?;
        let to = mailbox(contact.name.as_str(), &contact.email);
        let to = to.ok_or(Unwritten::Never("no mail can be sent to its recipient's address"))?;
        Ok((contact.name.to_string(), to))
    }

    /// Insists for a while: what is not recorded is sent again.
    async fn record(&self, due: &DueNotification, command: NotificationCommand) {
        let notification = due.notification;
        let ask = AskNotification { name: "recordDelivery", notification, command };
        for tries in 0..5 {
            match self.bus.execute(ask.clone(), context(due)).await {
                Ok(_) => return,
                Err(CommandError::Refused(refusal)) => {
                    return tracing::error!(%notification, %refusal, "a delivery was not recorded");
                }
                Err(error) => {
                    tracing::warn!(%notification, %error, "recording a delivery again");
                    let (first, most) = (Duration::from_millis(100), Duration::from_secs(1));
                    tokio::time::sleep(pause(tries, first, most)).await;
                }
            }
        }
    }
}

fn letter(state: &State) -> Option<Box<Pending>> {
    match state {
        State::Notification(notification) => notification.outgoing_message().cloned().map(Box::new),
        _ => None,
    }
}

/// Why there is nothing to send.
enum Unwritten {
    NotNow(&'static str),
    Never(&'static str),
}

/// Recording an attempt again is the same command.
fn context(due: &DueNotification) -> Context {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/mail");
    let id = Uuid::new_v5(&namespace, format!("{}/{}", due.notification, due.attempt).as_bytes());
    Context::reaction("mail", id, Some((due.position, due.correlation_id)))
}
