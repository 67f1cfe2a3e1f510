//! What the commands, the provider's calls and the mail of this process tell whoever watches.
//!
//! No label holds anything that grows with the shop: no customer, no id, no SKU.

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

use crate::payments::ProviderError;
use crate::{CommandError, Receipt};

static COMMANDS: LazyLock<Family<Ended, Counter>> = LazyLock::new(Family::default);
static COMMAND_SECONDS: LazyLock<Family<Named, Histogram>> =
    LazyLock::new(|| Family::new_with_constructor(up_to_16_s));

static CONFLICTS: LazyLock<Family<Decided, Counter>> = LazyLock::new(Family::default);

static CALLS: LazyLock<Family<Called, Counter>> = LazyLock::new(Family::default);
static CALL_SECONDS: LazyLock<Family<Asked, Histogram>> =
    LazyLock::new(|| Family::new_with_constructor(up_to_16_s));

static MAIL: LazyLock<Family<Mailed, Counter>> = LazyLock::new(Family::default);
/// 1 while the mail server is left alone.
pub(crate) static MAIL_RESTS: LazyLock<Gauge> = LazyLock::new(Gauge::default);

pub(crate) static REACTION_RETRIES: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Makes them all known.
pub fn register(registry: &mut Registry) {
    let help = "Commands by name and outcome, and why they were refused";
    registry.register("commands", help, COMMANDS.clone());
    let help = "How long a command took, to its durable answer";
    registry.register("command_seconds", help, COMMAND_SECONDS.clone());
    let help = "Commands that were decided again, as what they rest on had moved";
    registry.register("command_conflicts", help, CONFLICTS.clone());
    let help = "Calls to the payment provider";
    registry.register("payment_calls", help, CALLS.clone());
    let help = "How long the payment provider took to answer, or not to";
    registry.register("payment_call_seconds", help, CALL_SECONDS.clone());
    let help = "Attempts to send a message, by what came of them";
    registry.register("mail", help, MAIL.clone());
    let help = "1 while the mail server, which does not answer, is given a rest";
    registry.register("mail_circuit_open", help, MAIL_RESTS.clone());
    let help = "Reactions that failed and were tried again";
    registry.register("reaction_retries", help, REACTION_RETRIES.clone());
}

/// 1 ms to 16 s.
fn up_to_16_s() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    command: &'static str,
    outcome: &'static str,
    code: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    command: &'static str,
}

/// Why a command was refused, as the API names it; empty for one that was not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Reason(Option<ErrorCode>);

impl EncodeLabelValue for Reason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let Reason(Some(code)) = self else { return Ok(()) };
        for (n, letter) in format!("{code:?}").char_indices() {
            if n > 0 && letter.is_uppercase() {
                encoder.write_char('_')?;
            }
            encoder.write_char(letter.to_ascii_uppercase())?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    /// Whether it was decided under the log's lock.
    locked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    call: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Mailed {
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
    let ended = Ended { command, outcome: outcome(result), code: Reason(code) };
    COMMANDS.get_or_create(&ended).inc();
    COMMAND_SECONDS.get_or_create(&Named { command }).observe(took.as_secs_f64());
}

/// A command that collided is decided again, under the log's lock or as before.
pub(crate) fn again(locked: bool) {
    CONFLICTS.get_or_create(&Decided { locked }).inc();
}

/// In one word.
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

pub(crate) fn call_ended<T>(call: &'static str, result: &Result<T, ProviderError>, took: Duration) {
    let outcome = match result {
        Ok(_) => "answered",
        Err(ProviderError::Refused(_)) => "refused",
        Err(ProviderError::NoAnswer(_)) => "unanswered",
    };
    CALLS.get_or_create(&Called { call, outcome }).inc();
    CALL_SECONDS.get_or_create(&Asked { call }).observe(took.as_secs_f64());
}

/// What came of an attempt to send a message, as it is recorded.
pub(crate) fn mail_ended(command: &NotificationCommand) {
    let outcome = match command {
        NotificationCommand::Record { outcome: DeliveryOutcome::Sent, .. } => "sent",
        NotificationCommand::Record {
            outcome: DeliveryOutcome::Failed { next_attempt_at: Some(_), .. },
            ..
        } => "failed",
        _ => "abandoned",
    };
    MAIL.get_or_create(&Mailed { outcome }).inc();
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
