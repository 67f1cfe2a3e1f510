//! Calls to the payment provider. What it answers is recorded as a fact; that it does not answer is
//! recorded too, and followed up: see `domain::payment`.

use chrono::{TimeDelta, Utc};
use domain::payment::{Call, Fact, PaymentDetails};
use domain::process::Effect;
use domain::{PaymentId, State};

use super::{Cause, Reactions};
use crate::CommandError;
use crate::payment::RecordFact;
use crate::payments::ProviderError;

/// Providers forget idempotency keys after a day; what is older is looked up, and never sent again.
const KEYS_LIVE_FOR: TimeDelta = TimeDelta::hours(23);

pub(super) async fn call(
    reactions: &Reactions,
    cause: &Cause,
    effect: Effect,
) -> Result<(), CommandError> {
    let Effect::CallProvider(payment, call) = effect;
    let Some(attempt) = waiting_for(reactions, payment, call).await? else {
        // A webhook has brought what the answer would have.
        return Ok(());
    };
    let sendable = Utc::now() - attempt.asked_at(call) <= KEYS_LIVE_FOR;
    let answer = match sendable {
        true => reactions.provider.ask(payment, &attempt, call).await,
        false => look_up(reactions, payment, &attempt, call).await,
    };
    let facts = match answer {
        Ok(facts) => facts,
        Err(ProviderError::Refused(reason)) => vec![refusal(call, reason)],
        Err(ProviderError::NoAnswer(reason)) => {
            tracing::warn!(%payment, ?call, reason, "the payment provider did not answer");
            vec![Fact::Unknown]
        }
    };
    for (n, fact) in facts.into_iter().enumerate() {
        // The number tells the facts of one answer apart.
        let context = cause.context(&format!("{}/{n}", effect.name()));
        let record = RecordFact { payment, fact, policy: reactions.policy };
        reactions.bus.execute(record, context).await?;
    }
    Ok(())
}

/// The payment's attempt, if the call is still to be made.
async fn waiting_for(
    reactions: &Reactions,
    payment: PaymentId,
    call: Call,
) -> Result<Option<PaymentDetails>, CommandError> {
    let waiting = |state: &State| match state {
        State::Payment(payment) => {
            payment.details().filter(|attempt| attempt.open_calls().contains(&call)).cloned()
        }
        _ => None,
    };
    let (bus, stream) = (&reactions.bus, payment.stream());
    // What is in memory may never become durable, so it does not say that nothing is to be done.
    match bus.look(stream, waiting).await? {
        Some(attempt) => Ok(Some(attempt)),
        None => Ok(waiting(&bus.load(stream).await?.0)),
    }
}

/// What the provider knows of the payment. One that it knows nothing of was never made, and never
/// will be; a capture or a refund that it does not tell of may still be on its way.
async fn look_up(
    reactions: &Reactions,
    payment: PaymentId,
    attempt: &PaymentDetails,
    call: Call,
) -> Result<Vec<Fact>, ProviderError> {
    let facts = reactions.provider.look_up(payment, attempt).await?;
    let reason = "the payment provider knows nothing of it".to_owned();
    match call {
        Call::Create if facts.is_empty() => Err(ProviderError::Refused(reason)),
        _ if facts.iter().any(|fact| answers(fact, call)) => Ok(facts),
        _ => Err(ProviderError::NoAnswer(reason)),
    }
}

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
