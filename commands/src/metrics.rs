//! The metrics of commands, of calls to the payment provider, and of mail, counted in this process.
//!
//! No label has a value per customer, id or SKU, so the number of time series stays bounded.

use std::fmt::{self, Write as _};
use std::sync::LazyLock;
use std::time::Duration;

use domain::ErrorCode;
use domain::notification::{DeliveryOutcome, NotificationCommand};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::{CommandError, Receipt};

static COMMANDS: LazyLock<Family<CommandLabels, Counter>> = LazyLock::new(Family::default);
static COMMAND_SECONDS: LazyLock<Family<CommandName, Histogram>> =
    LazyLock::new(|| Family::new_with_constructor(up_to_16_s));

static CONFLICTS: LazyLock<Family<ConflictLabels, Counter>> = LazyLock::new(Family::default);

static CALLS: LazyLock<Family<CallLabels, Counter>> = LazyLock::new(Family::default);
static CALL_SECONDS: LazyLock<Family<CallName, Histogram>> =
    LazyLock::new(|| Family::new_with_constructor(up_to_16_s));

static MAIL: LazyLock<Family<MailLabels, Counter>> = LazyLock::new(Family::default);
/// 1 while the circuit to the mail server is open.
pub(crate) static MAIL_CIRCUIT_OPEN: LazyLock<Gauge> = LazyLock::new(Gauge::default);

pub(crate) static REACTION_RETRIES: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Registers all metrics of this crate.
pub fn register(registry: &mut Registry) {
    let help = "Commands by name, outcome, and code of the refusal";
    registry.register("commands", help, COMMANDS.clone());
    let help = "Seconds from a command's start to its durable answer";
    registry.register("command_seconds", help, COMMAND_SECONDS.clone());
    let help = "Commands that were decided again because a stream that they had read was changed";
    registry.register("command_conflicts", help, CONFLICTS.clone());
    let help = "Calls to the payment provider by kind and outcome";
    registry.register("payment_calls", help, CALLS.clone());
    let help = "Seconds that a call to the payment provider took, answered or not";
    registry.register("payment_call_seconds", help, CALL_SECONDS.clone());
    let help = "Attempts to send a message, by outcome";
    registry.register("mail", help, MAIL.clone());
    let help =
        "1 while the circuit to the mail server is open: it did not answer and is not called";
    registry.register("mail_circuit_open", help, MAIL_CIRCUIT_OPEN.clone());
    let help = "Reactions that failed and were tried again";
    registry.register("reaction_retries", help, REACTION_RETRIES.clone());
}

/// 1 ms to 16 s.
fn up_to_16_s() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    command: &'static str,
    outcome: &'static str,
    code: RefusalCode,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandName {
    command: &'static str,
}

/// The code of a refusal as the API names it; empty if the command was not refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RefusalCode(Option<ErrorCode>);

impl EncodeLabelValue for RefusalCode {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.0.map_or("", ErrorCode::as_str))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConflictLabels {
    /// Whether the command is decided again under the log's lock.
    locked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallName {
    call: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MailLabels {
    outcome: &'static str,
}

pub(crate) fn command_ended(
    command: &'static str,
    result: &Result<Receipt, CommandError>,
    took: Duration,
) {
    let code = match result {
        Err(CommandError::Refused(refusal)) => Some(refusal.code()),
        _ => None,
    };
    let labels = CommandLabels { command, outcome: outcome(result), code: RefusalCode(code) };
    COMMANDS.get_or_create(&labels).inc();
    COMMAND_SECONDS.get_or_create(&CommandName { command }).observe(took.as_secs_f64());
}

/// Counts a command that is decided again after a conflict, under the log's lock or without it.
pub(crate) fn send_on_a_refused_base(locked: bool) {
    CONFLICTS.get_or_create(&ConflictLabels { locked }).inc();
}

/// The label of a command's result.
pub(crate) fn outcome(result: &Result<Receipt, CommandError>) -> &'static str {
    match result {
        Ok(receipt) if receipt.replayed => "replayed",
        Ok(receipt) if receipt.events.is_empty() => "unchanged",
        Ok(_) => "accepted",
        Err(CommandError::Refused(_)) => "refused",
        Err(CommandError::VersionConflict { .. }) => "version_conflict",
        Err(CommandError::KeyReused) => "key_reused",
        Err(CommandError::TimedOut) => "timed_out",
        Err(_) => "failed",
    }
}

/// `outcome` is `answered`, `refused` or `unanswered`.
pub(crate) fn call_ended(call: &'static str, outcome: &'static str, took: Duration) {
    CALLS.get_or_create(&CallLabels { call, outcome }).inc();
    CALL_SECONDS.get_or_create(&CallName { call }).observe(took.as_secs_f64());
}

/// Counts an attempt to send a message by the command that records it.
pub(crate) fn mail_ended(command: &NotificationCommand) {
    let outcome = match command {
        NotificationCommand::Record { outcome: DeliveryOutcome::Sent, .. } => "sent",
        NotificationCommand::Record {
            outcome: DeliveryOutcome::Failed { next_attempt_at: Some(_), .. },
            ..
        } => "failed",
        _ => "abandoned",
    };
    MAIL.get_or_create(&MailLabels { outcome }).inc();
}

#[cfg(test)]
mod tests {
    use domain::Refusal;
    use domain::payment::PaymentError;
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn a_refusal_is_counted_under_the_code_that_clients_see() {
        let refused = Err(CommandError::Refused(Refusal::Payment(PaymentError::Missing)));
        command_ended("testRefused", &refused, Duration::ZERO);
        let (mut registry, mut text) = (Registry::default(), String::new());
        register(&mut registry);
        encode(&mut text, &registry).unwrap();
        let line =
            "commands_total{command=\"testRefused\",outcome=\"refused\",code=\"NOT_FOUND\"} 1";
        assert!(text.contains(line), "{text}");
    }
}
