//! Providers forget idempotency keys, so an old call is looked up and never sent again.

use std::time::Duration;

use chrono::TimeDelta;
use commands::payments::{Provider, Signer, Simulator};
use commands::{Bus, Changes, Command, Halt, PaymentPolicy, Reactions, States, run_reactions};
use domain::payment::{
    Call, CaptureMode, PaymentDetails, PaymentEvent, PaymentMethod, PaymentStatus,
};
use domain::{OrderId, PaymentId, State, StreamId, Timestamp};
use projections::Projector;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Shop, once, until, usd};

/// Writes a payment that was initiated at this time and has no answer yet, or whose capture was
/// requested at this time.
#[derive(Debug, Clone)]
struct OldPayment {
    age: TimeDelta,
    payment: PaymentId,
    captures: bool,
}

impl Command for OldPayment {
    fn name(&self) -> &'static str {
        "test"
    }

    fn subject(&self) -> Option<StreamId> {
        None
    }

    fn decide(&self, _: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let at = now - self.age;
        let begun = PaymentEvent::Initiated {
            order: OrderId(Uuid::now_v7()),
            amount: usd(999),
            method: PaymentMethod::Card,
            capture: CaptureMode::Manual,
            source: "tok_success".to_owned(),
            at,
        };
        let authorized = PaymentEvent::Authorized {
            reference: "pi_1".to_owned(),
            amount: usd(999),
            expires_at: None,
            at,
        };
        let requested = PaymentEvent::CaptureRequested { request: 1, amount: usd(999), at };
        let mut events = vec![begun];
        if self.captures {
            events.extend([authorized, requested]);
        }
        Ok(events.into_iter().map(|event| (self.payment.stream(), event.into())).collect())
    }
}

async fn attempt(bus: &Bus, payment: PaymentId) -> PaymentDetails {
    match bus.load(payment.stream()).await.unwrap().0 {
        State::Payment(payment) => payment.existing().unwrap().clone(),
        other => panic!("no payment: {other:?}"),
    }
}

/// The status that the payment gets, and the number of the provider's records. `is_known` says
/// whether the provider has a record of the payment before the shop calls it.
async fn status_after_call(age: TimeDelta, is_known: bool) -> (PaymentStatus, i64) {
    let old = OldPayment { age, payment: PaymentId(Uuid::now_v7()), captures: false };
    let news = |attempt: &PaymentDetails| attempt.status() != PaymentStatus::Pending;
    let (attempt, intents) = after_the_reactions(old, is_known, news).await;
    (attempt.status(), intents)
}

async fn after_the_reactions(
    old: OldPayment,
    is_known: bool,
    news: impl Fn(&PaymentDetails) -> bool,
) -> (PaymentDetails, i64) {
    let shop = Shop::new().await;
    let (bus, pool) = (shop.node().await, shop.database.pool());
    let signer = Signer::new(b"a secret of more than thirty-two bytes");
    let simulator = Simulator::new(pool.clone(), signer, Duration::ZERO);
    let provider = Provider::simulated(simulator);
    let payment = old.payment;
    bus.execute(old, once()).await.unwrap();
    if is_known {
        let attempt = attempt(&bus, payment).await;
        provider.ask(payment, &attempt, Call::Create).await.unwrap();
    }

    let projector = Projector::start(bus.store().clone(), projections::ProjectorOptions::default());
    let day = TimeDelta::days(1);
    let policy = PaymentPolicy { reserve_at_most: day, hold_for: day, retry_after: day };
    let feed = projector.feed().clone();
    let stop = CancellationToken::new();
    let reactions = Reactions { feed, bus: bus.clone(), provider, policy };
    let running = tokio::spawn(run_reactions(reactions, stop.clone()));
    until(async || news(&attempt(&bus, payment).await)).await;
    stop.cancel();
    running.await.unwrap();
    projector.shutdown().await;
    let records = sqlx::query_scalar("select count(*) from simulator.intents");
    (attempt(&bus, payment).await, records.fetch_one(pool).await.unwrap())
}

#[tokio::test]
async fn a_recent_call_is_sent() {
    assert_eq!(status_after_call(TimeDelta::zero(), false).await, (PaymentStatus::Processing, 1));
}

#[tokio::test]
async fn a_call_of_a_day_ago_is_looked_up_and_found() {
    assert_eq!(status_after_call(TimeDelta::days(1), true).await, (PaymentStatus::Authorized, 1));
}

#[tokio::test]
async fn a_call_of_a_day_ago_that_never_arrived_has_failed_and_is_not_sent() {
    assert_eq!(status_after_call(TimeDelta::days(1), false).await, (PaymentStatus::Failed, 0));
}

#[tokio::test]
async fn a_capture_that_the_provider_does_not_list_is_not_taken_for_refused() {
    let old =
        OldPayment { age: TimeDelta::days(1), payment: PaymentId(Uuid::now_v7()), captures: true };
    let silent = |attempt: &PaymentDetails| attempt.silences > 0;
    let (attempt, _) = after_the_reactions(old, true, silent).await;
    assert_eq!((attempt.capture_pending(), attempt.captured()), (999, 0));
    assert_eq!(attempt.capture_requests.len(), 1);
}
