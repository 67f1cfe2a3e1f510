//! Sends one message: checks that it is due, renders it, passes it to the mailer, and records the
//! outcome.

use std::time::Duration;

use chrono::Utc;
use domain::notification::{DeliveryOutcome, NotificationCommand, OutgoingMessage, Recipient};
use domain::{Contact, NotificationId, State};
use event_store::Backoff;
use projections::ReadModels;
use projections::deadlines::DueNotification;
use tracing::Instrument;
use uuid::Uuid;

use super::email::{ComposedEmail, Envelope, mailbox};
use super::templates::Templates;
use super::{MailError, Mailbox, Mailer, Settings};
use crate::trace::SPANS;
use crate::{AggregateCommand, Bus, CommandError, Context, Vault, metrics};

/// How many times the outcome of one attempt is sent to the bus, if the bus answers with errors.
const RECORD_TRIES_MAX: u32 = 5;

/// Pauses between these tries.
const RECORD_RETRIES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

/// Everything that is needed to send the messages that are due.
#[derive(Debug, Clone)]
pub struct MailOutbox {
    pub(super) bus: Bus,
    pub(super) read_models: ReadModels,
    vault: Vault,
    pub(super) mailer: Mailer,
    settings: Settings,
    templates: Templates,
}

/// A template of this program cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("a message template cannot be parsed: {0}")]
pub struct BadTemplates(#[from] minijinja::Error);

impl MailOutbox {
    /// # Errors
    /// A template cannot be parsed; the tests should have found that.
    pub fn new(
        bus: Bus,
        read_models: ReadModels,
        vault: Vault,
        mailer: Mailer,
        settings: Settings,
    ) -> Result<MailOutbox, BadTemplates> {
        let templates = Templates::new()?;
        Ok(MailOutbox { bus, read_models, vault, mailer, settings, templates })
    }
}

/// Whether the mailer was reached; the circuit breaker counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reachability {
    Reached,
    Unreachable,
    /// The mailer was not called.
    NotCalled,
}

impl MailOutbox {
    /// Makes the attempt if it is still due, and records its outcome.
    pub(super) async fn deliver(&self, due: &DueNotification) -> Reachability {
        let message = match self.find(due).await {
            Ok(Some(message)) => message,
            Ok(None) => return Reachability::NotCalled,
            Err(error) => {
                let notification = due.notification;
                tracing::warn!(%notification, %error, "a message cannot be loaded; it stays due");
                return Reachability::NotCalled;
            }
        };
        let span = tracing::debug_span!(target: SPANS, "mail", attempt = due.attempt);
        let attempt = self.attempt(due.notification, due.attempt, &message).instrument(span);
        let (reachability, command) = attempt.await;
        metrics::mail_ended(&command);
        self.record(due, command).await;
        reachability
    }

    /// The message, if this attempt is due now.
    async fn find(
        &self,
        due: &DueNotification,
    ) -> Result<Option<Box<OutgoingMessage>>, CommandError> {
        let stream = due.notification.stream();
        let cached = self.bus.look(stream, outgoing_message).await?;
        // Another node may have made attempts that this node's cache does not have yet.
        let is_behind = cached.as_ref().is_none_or(|known| known.next_attempt() < due.attempt);
        let found =
            if is_behind { outgoing_message(&self.bus.load(stream).await?.0) } else { cached };
        Ok(found.filter(|message| message.attempt_due(Utc::now()) == Some(due.attempt)))
    }

    /// Renders and sends the message. Returns the command that records the outcome.
    async fn attempt(
        &self,
        notification: NotificationId,
        attempt: u32,
        message: &OutgoingMessage,
    ) -> (Reachability, NotificationCommand) {
        let failed = |reason: String| self.failed(notification, attempt, reason);
        let email = match self.compose(notification, message).await {
            Ok(email) => email,
            Err(ComposeError::Never(reason)) => {
                tracing::warn!(%notification, reason, "a message cannot be sent and is abandoned");
                let abandon = NotificationCommand::Abandon { reason: reason.to_owned() };
                return (Reachability::NotCalled, abandon);
            }
            Err(ComposeError::NotNow(reason)) => {
                return (Reachability::NotCalled, failed(reason.to_owned()));
            }
        };
        match self.mailer.send(&email, self.settings.timeout).await {
            Ok(()) => {
                let outcome = DeliveryOutcome::Sent;
                (Reachability::Reached, NotificationCommand::Record { attempt, outcome })
            }
            Err(MailError::Unreachable(reason)) => (Reachability::Unreachable, failed(reason)),
            Err(MailError::Postponed(reason)) => (Reachability::Reached, failed(reason)),
            Err(MailError::Refused(reason)) => {
                tracing::warn!(
                    %notification, attempt, reason,
                    "a message was refused permanently and is not sent again"
                );
                let outcome = DeliveryOutcome::Failed { reason, next_attempt_at: None };
                (Reachability::Reached, NotificationCommand::Record { attempt, outcome })
            }
        }
    }

    fn failed(
        &self,
        notification: NotificationId,
        attempt: u32,
        reason: String,
    ) -> NotificationCommand {
        let pause = self.settings.backoff.after(attempt, notification);
        let next_attempt_at = pause.map(|pause| Utc::now() + pause);
        tracing::warn!(
            %notification, attempt, reason, ?next_attempt_at,
            "an attempt to send a message failed"
        );
        let outcome = DeliveryOutcome::Failed { reason, next_attempt_at };
        NotificationCommand::Record { attempt, outcome }
    }

    async fn compose(
        &self,
        notification: NotificationId,
        message: &OutgoingMessage,
    ) -> Result<ComposedEmail, ComposeError> {
        let request = &message.request;
        let (name, to) = self.recipient(&request.recipient).await?;
        let rendered = self.templates.render(&self.settings.shop, &name, &request.message);
        let rendered = rendered.map_err(|error| {
            tracing::error!(%notification, %error, "a message cannot be rendered");
            ComposeError::NotNow("it could not be rendered")
        })?;
        let envelope =
            Envelope { notification, requested_at: request.at, from: &self.settings.from, to };
        ComposedEmail::new(envelope, &rendered).map_err(|error| {
            tracing::error!(%notification, %error, "an e-mail cannot be composed");
            ComposeError::NotNow("it could not be composed")
        })
    }

    /// The recipient's name, which is empty for staff, and address.
    async fn recipient(&self, recipient: &Recipient) -> Result<(String, Mailbox), ComposeError> {
        let contact = match recipient {
            Recipient::Staff => {
                let missing = ComposeError::Never("no address of staff is configured");
                return self.settings.staff.clone().map(|to| (String::new(), to)).ok_or(missing);
            }
            Recipient::Buyer { contact, .. } => self.vault.open::<Contact>(contact).await,
        };
        let contact = contact.map_err(|error| {
            tracing::error!(%error, "a message's recipient cannot be decrypted");
            ComposeError::NotNow("its recipient could not be opened")
        })?;
        let contact = contact.ok_or(ComposeError::Never("its recipient is forgotten"))?;
        let to = mailbox(contact.name.as_str(), &contact.email);
        let to = to.ok_or(ComposeError::Never("no mail can be sent to its recipient's address"))?;
        Ok((contact.name.to_string(), to))
    }

    /// Tries several times: a message whose outcome is not recorded is sent again.
    async fn record(&self, due: &DueNotification, command: NotificationCommand) {
        let notification = due.notification;
        let record = AggregateCommand { name: "recordDelivery", id: notification, command };
        for tries in 0..RECORD_TRIES_MAX {
            match self.bus.execute(record.clone(), context(due)).await {
                Ok(_) => return,
                Err(CommandError::Refused(refusal)) => {
                    return tracing::error!(
                        %notification, %refusal,
                        "the outcome of a message was refused and is not recorded"
                    );
                }
                Err(error) => {
                    tracing::warn!(
                        %notification, %error,
                        "the outcome of a message could not be recorded, trying again"
                    );
                    tokio::time::sleep(RECORD_RETRIES.pause_after(tries)).await;
                }
            }
        }
    }
}

/// The message of a notification. `None` if it was never requested, or if the state is another aggregate's.
fn outgoing_message(state: &State) -> Option<Box<OutgoingMessage>> {
    match state {
        State::Notification(notification) => notification.outgoing_message().cloned().map(Box::new),
        _ => None,
    }
}

/// Why there is no e-mail to send. The reasons are stored with the message, so they name no person.
enum ComposeError {
    /// It may succeed at the next attempt.
    NotNow(&'static str),
    /// It would fail at every attempt.
    Never(&'static str),
}

/// The command id is derived from the attempt, so its outcome is recorded once.
fn context(due: &DueNotification) -> Context {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/mail");
    let id = Uuid::new_v5(&namespace, format!("{}/{}", due.notification, due.attempt).as_bytes());
    Context::reaction("mail", id, Some((due.position, due.correlation_id)))
}
