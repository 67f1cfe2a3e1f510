//! Calls to the payment provider. Its answer is recorded as facts. A missing answer is recorded
//! too, and followed up: see `domain::payment`.

use chrono::{TimeDelta, Utc};
use domain::payment::{Call, Fact, PaymentDetails};
use domain::process::Effect;
use domain::{PaymentId, State};

use super::{Cause, Reactions};
use crate::CommandError;
use crate::payment::RecordFact;
use crate::payments::ProviderError;

/// Providers forget idempotency keys after a day. An older call is looked up and never sent again.
const KEYS_LIVE_FOR: TimeDelta = TimeDelta::hours(23);

pub(super) async fn call(
    reactions: &Reactions,
    cause: &Cause,
    effect: Effect,
) -> Result<(), CommandError> {
    let Effect::CallProvider(payment, call) = effect;
    let Some(details) = waiting_for(reactions, payment, call).await? else {
        // A webhook has already reported the outcome.
        return Ok(());
    };
    let is_key_known = Utc::now() - details.asked_at(call) <= KEYS_LIVE_FOR;
    let answer = if is_key_known {
        reactions.provider.ask(payment, &details, call).await
    } else {
        look_up(reactions, payment, &details, call).await
    };
    let facts = match answer {
        Ok(facts) => facts,
        Err(ProviderError::Refused(reason)) => vec![refusal(call, reason)],
        Err(ProviderError::NoAnswer(reason)) => {
            tracing::warn!(%payment, ?call, reason, "the payment provider did not answer; the call is followed up");
            vec![Fact::Unknown]
        }
    };
    for (n, fact) in facts.into_iter().enumerate() {
        // The number makes the command ids of one answer's facts different.
        let context = cause.context(&format!("{}/{n}", effect.name()));
        let record = RecordFact { payment, fact, policy: reactions.policy };
        reactions.bus.execute(record, context).await?;
    }
    Ok(())
}

/// The payment, if it still waits for this call's answer.
async fn waiting_for(
    reactions: &Reactions,
    payment: PaymentId,
    call: Call,
) -> Result<Option<PaymentDetails>, CommandError> {
    let waiting = |state: &State| match state {
        State::Payment(payment) => {
            payment.details().filter(|details| details.open_calls().contains(&call)).cloned()
        }
        _ => None,
    };
    let (bus, stream) = (&reactions.bus, payment.stream());
    // The cached state may never become durable, so it cannot prove that the call is already
    // answered.
    match bus.look(stream, waiting).await? {
        Some(details) => Ok(Some(details)),
        None => Ok(waiting(&bus.load(stream).await?.0)),
    }
}

/// What the provider has recorded about the payment. If it has no record, the payment was never
/// created and never will be. But a capture or a refund that it does not list may still be on its
/// way.
async fn look_up(
    reactions: &Reactions,
    payment: PaymentId,
    details: &PaymentDetails,
    call: Call,
) -> Result<Vec<Fact>, ProviderError> {
    let facts = reactions.provider.look_up(payment, details).await?;
    let reason = "the payment provider has no record of this call".to_owned();
    match call {
        Call::Create if facts.is_empty() => Err(ProviderError::Refused(reason)),
        _ if facts.iter().any(|fact| answers(fact, call)) => Ok(facts),
        _ => Err(ProviderError::NoAnswer(reason)),
    }
}

/// Whether the fact says how the call ended.
fn answers(fact: &Fact, call: Call) -> bool {
    match (call, fact) {
        (Call::Create, _) => true,
        (Call::Capture(asked), Fact::Captured { request, .. })
        | (Call::Refund(asked), Fact::Refunded { request, .. }) => *request == Some(asked),
        (Call::Capture(asked), Fact::CaptureFailed { request, .. })
        | (Call::Refund(asked), Fact::RefundFailed { request, .. }) => *request == asked,
        (Call::Void, Fact::Cancelled | Fact::Expired | Fact::VoidFailed { .. }) => true,
        _ => false,
    }
}

fn refusal(call: Call, reason: String) -> Fact {
    match call {
        Call::Create => Fact::Failed { reason },
        Call::Capture(request) => Fact::CaptureFailed { request, reason },
        Call::Void => Fact::VoidFailed { reason },
        Call::Refund(request) => Fact::RefundFailed { request, reason },
    }
}
