//! Calls to the payment provider. What it answers is recorded as a fact; when it does not answer,
//! that is recorded too, and it is asked again under the same key.

use std::time::Duration;

use chrono::TimeDelta;
use domain::State;
use domain::payment::{Attempt, Fact, PaymentCommand};
use domain::process::Effect;

use super::{Cause, Reactions};
use crate::CommandError;
use crate::backoff::pause;
use crate::payment::AskPayment;
use crate::payments::ProviderError;

/// Providers forget idempotency keys after a day; what is older is never sent again.
const KEYS_LIVE_FOR: TimeDelta = TimeDelta::hours(23);

pub(super) async fn call(
    reactions: &Reactions,
    cause: &Cause,
    effect: Effect,
) -> Result<(), CommandError> {
    let payment = effect.payment();
    for tries in 0.. {
        let (state, _) = reactions.bus.load(payment.stream()).await?;
        let State::Payment(state) = state else { return Ok(()) };
        let Some(attempt) = state.attempt() else { return Ok(()) };
        if tries > 0 && is_settled(attempt, effect) {
            return Ok(());
        }
        if chrono::Utc::now() - cause.recorded_at > KEYS_LIVE_FOR {
            tracing::error!(%payment, ?effect, "a call to the provider is too old to be repeated");
            return Ok(());
        }
        match ask(reactions, attempt, effect).await {
            Ok(facts) => {
                for (n, fact) in facts.into_iter().enumerate() {
                    record(reactions, cause, effect, fact, &n.to_string()).await?;
                }
                return Ok(());
            }
            Err(ProviderError::Refused(reason)) => {
                return record(reactions, cause, effect, refusal(effect, reason), "refused").await;
            }
            Err(ProviderError::NoAnswer(reason)) => {
                tracing::warn!(%payment, ?effect, tries, reason, "asking the provider again");
                if matches!(effect, Effect::Create(_)) {
                    record(reactions, cause, effect, Fact::Unknown, "unknown").await?;
                }
                let (first, most) = (Duration::from_millis(500), Duration::from_secs(60));
                tokio::time::sleep(pause(tries, first, most)).await;
            }
        }
    }
    Ok(())
}

async fn ask(
    reactions: &Reactions,
    attempt: &Attempt,
    effect: Effect,
) -> Result<Vec<Fact>, ProviderError> {
    let provider = &reactions.provider;
    match effect {
        Effect::Create(payment) => provider.create(payment, attempt).await,
        Effect::Capture(payment, request) => provider.capture(payment, attempt, request).await,
        Effect::Void(payment) => provider.void(payment).await,
        Effect::Refund(payment, request) => provider.refund(payment, attempt, request).await,
    }
}

/// `part` tells the facts of one effect apart.
async fn record(
    reactions: &Reactions,
    cause: &Cause,
    effect: Effect,
    fact: Fact,
    part: &str,
) -> Result<(), CommandError> {
    let (payment, command) = (effect.payment(), PaymentCommand::Record(fact));
    let command = AskPayment { name: "recordFact", payment, command };
    let context = cause.context(&format!("{}/{part}", effect.name()));
    reactions.bus.execute(command, context).await.map(|_| ())
}

/// A webhook has brought what the answer did not.
fn is_settled(attempt: &Attempt, effect: Effect) -> bool {
    let done = |requests: &std::collections::BTreeMap<u32, domain::payment::Request>, n: u32| {
        requests.get(&n).is_some_and(|request| !request.pending)
    };
    match effect {
        Effect::Create(_) => !attempt.unknown,
        Effect::Capture(_, request) => done(&attempt.capture_requests, request),
        Effect::Void(_) => attempt.released || !attempt.void_requested,
        Effect::Refund(_, request) => done(&attempt.refund_requests, request),
    }
}

fn refusal(effect: Effect, reason: String) -> Fact {
    match effect {
        Effect::Create(_) => Fact::Failed { reason },
        Effect::Capture(_, request) => Fact::CaptureFailed { request, reason },
        Effect::Void(_) => Fact::VoidFailed { reason },
        Effect::Refund(_, request) => Fact::RefundFailed { request, reason },
    }
}
