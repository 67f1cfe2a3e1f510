//! A payment under random commands, and with facts that are reported several times.

use chrono::TimeDelta;
use cqrs_es::Aggregate;
use domain::payment::{
    CaptureMode, Fact, Payment, PaymentCommand, PaymentDetails, PaymentEvent, PaymentMethod,
};
use domain::{Decide, Money, OrderId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::play::play;
use crate::samples::{eur, id, minute, usd};

fn word<const N: usize>(words: [&'static str; N]) -> impl Strategy<Value = String> {
    select(words.to_vec()).prop_map(str::to_owned)
}

/// An amount; some do not fit a payment of 34.00.
fn amount() -> impl Strategy<Value = Money> {
    prop_oneof![
        4 => Just(usd(3400)),
        3 => (0..3400_i64).prop_map(usd),
        1 => select(vec![usd(3401), usd(i64::MAX), usd(-1), eur(3400)]),
    ]
}

fn request() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(1..4_u32)
}

/// A fact that a provider may report. `Unknown` is left out, since the shop itself records it.
fn fact() -> impl Strategy<Value = Fact> {
    let reference = || word(["pi_1", "pi_2"]);
    let reason = || word(["declined", "try later"]);
    let url = prop::option::of(word(["https://a.example", "https://b.example"]));
    let moment = prop::option::of((0..9_i64).prop_map(minute));
    let dispute = || word(["dp_1", "dp_2"]);
    prop_oneof![
        reference().prop_map(|reference| Fact::Processing { reference }),
        (reference(), url).prop_map(|(reference, url)| Fact::ActionRequired { reference, url }),
        (reference(), amount(), moment).prop_map(|(reference, amount, expires_at)| {
            Fact::Authorized { reference, amount, expires_at }
        }),
        (word(["ch_1", "ch_2"]), amount(), request())
            .prop_map(|(object, amount, request)| Fact::Captured { object, amount, request }),
        (1..4_u32, reason()).prop_map(|(request, reason)| Fact::CaptureFailed { request, reason }),
        Just(Fact::Cancelled),
        reason().prop_map(|reason| Fact::VoidFailed { reason }),
        (word(["re_1", "re_2"]), amount(), request())
            .prop_map(|(object, amount, request)| Fact::Refunded { object, amount, request }),
        (1..4_u32, reason()).prop_map(|(request, reason)| Fact::RefundFailed { request, reason }),
        reason().prop_map(|reason| Fact::Failed { reason }),
        Just(Fact::Expired),
        (dispute(), amount()).prop_map(|(object, amount)| Fact::DisputeOpened { object, amount }),
        dispute().prop_map(|object| Fact::DisputeWon { object }),
        dispute().prop_map(|object| Fact::DisputeLost { object }),
    ]
}

/// Facts, and the same facts repeated and shuffled.
fn facts_twice() -> impl Strategy<Value = (Vec<Fact>, Vec<Fact>)> {
    vec(fact(), 1..8).prop_flat_map(|facts| {
        let repeated = vec(select(facts.clone()), 0..8)
            .prop_map({
                let facts = facts.clone();
                move |again| [facts.clone(), again].concat()
            })
            .prop_shuffle();
        (Just(facts), repeated)
    })
}

fn initiate(method: PaymentMethod, amount: Money) -> PaymentCommand {
    PaymentCommand::Initiate {
        order: OrderId(id(1)),
        amount,
        method,
        capture: CaptureMode::Manual,
        source: "tok_visa".into(),
    }
}

fn command() -> impl Strategy<Value = PaymentCommand> {
    let some = || prop::option::of(amount());
    prop_oneof![
        8 => fact().prop_map(PaymentCommand::Record),
        1 => Just(PaymentCommand::Record(Fact::Unknown)),
        3 => some().prop_map(|amount| PaymentCommand::RequestCapture { amount }),
        1 => Just(PaymentCommand::RequestVoid),
        3 => some().prop_map(|amount| PaymentCommand::RequestRefund { amount }),
        1 => Just(PaymentCommand::Unwind),
        2 => Just(PaymentCommand::PlanFollowUp { first: TimeDelta::seconds(1) }),
        2 => Just(PaymentCommand::FollowUp),
        1 => Just(PaymentCommand::EndHold),
        1 => Just(PaymentCommand::FlagUnknown),
        1 => Just(PaymentCommand::ResolveAttention),
    ]
}

fn commands() -> impl Strategy<Value = Vec<(PaymentCommand, i64)>> {
    let method = select(vec![
        PaymentMethod::Card,
        PaymentMethod::Upi,
        PaymentMethod::NetBanking,
        PaymentMethod::CashOnDelivery,
    ]);
    let owed = prop_oneof![9 => Just(usd(3400)), 1 => Just(usd(i64::MAX))];
    (method, owed, vec((command(), 0..5_i64), 0..40)).prop_map(|(method, amount, mut commands)| {
        commands.insert(commands.len().min(1), (initiate(method, amount), 0));
        commands
    })
}

/// A payment with two requested captures, a void and two refunds.
fn asked() -> Payment {
    let mut payment = Payment::default();
    for event in payment.decide(&initiate(PaymentMethod::Card, usd(3400)), minute(0)).unwrap() {
        payment.apply(event);
    }
    let (at, amount) = (minute(0), usd(1000));
    for request in [1, 2] {
        payment.apply(PaymentEvent::CaptureRequested { request, amount, at });
        payment.apply(PaymentEvent::RefundRequested { request, amount, at });
    }
    payment.apply(PaymentEvent::VoidRequested { at });
    payment
}

/// The payment after these facts, reported a minute apart. Times of reports are left out.
fn reported(facts: &[Fact]) -> PaymentDetails {
    let mut payment = asked();
    for (fact, minutes) in facts.iter().zip(1..) {
        let record = PaymentCommand::Record(fact.clone());
        let events = payment.decide(&record, minute(minutes)).expect("facts are never refused");
        events.into_iter().for_each(|event| payment.apply(event));
    }
    let mut attempt = payment.existing().unwrap().clone();
    attempt.updated_at = attempt.created_at;
    attempt
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn facts_in_any_order_any_number_of_times_end_in_the_same_state(
        (facts, again) in facts_twice(),
    ) {
        prop_assert_eq!(reported(&facts), reported(&again));
    }

    #[test]
    fn an_unknown_outcome_between_the_facts_changes_no_amount(
        facts in vec(fact(), 1..8),
        place in any::<prop::sample::Index>(),
    ) {
        let mut doubted = facts.clone();
        doubted.insert(place.index(facts.len() + 1), Fact::Unknown);
        let mut doubted = reported(&doubted);
        doubted.silences = 0;
        prop_assert_eq!(reported(&facts), doubted);
    }

    #[test]
    fn a_repeated_fact_gives_no_event(facts in vec(fact(), 1..8)) {
        let mut payment = asked();
        for fact in facts {
            let record = PaymentCommand::Record(fact);
            for event in payment.decide(&record, minute(1)).unwrap() {
                payment.apply(event);
            }
            prop_assert_eq!(payment.decide(&record, minute(2)), Ok(vec![]));
        }
    }
}

proptest! {
    #[test]
    fn the_shop_never_requests_more_than_is_authorised_or_captured(commands in commands()) {
        play::<Payment>(commands, |payment, events, _| {
            let Some(attempt) = payment.details() else { return };
            for event in events {
                match event {
                    PaymentEvent::CaptureRequested { amount, .. } => {
                        assert!(amount.amount > 0);
                        assert!(attempt.captured() + attempt.capture_pending() <= attempt.authorized);
                    }
                    PaymentEvent::RefundRequested { amount, .. } => {
                        assert!(amount.amount > 0);
                        assert!(attempt.refunded() + attempt.refund_pending() <= attempt.captured());
                    }
                    _ => {}
                }
            }
        });
    }

    #[test]
    fn amounts_never_decrease_and_are_never_negative(commands in commands()) {
        let mut before = [0; 3];
        play::<Payment>(commands, |payment, _, _| {
            let Some(attempt) = payment.details() else { return };
            let now = [attempt.authorized, attempt.captured(), attempt.refunded()];
            assert!(before.iter().zip(&now).all(|(before, now)| before <= now));
            assert!(attempt.captured() <= attempt.authorized);
            assert!(attempt.capturable() >= 0 && attempt.refundable() >= 0);
            assert!(attempt.voided() >= 0);
            assert_eq!(attempt.outcome().closed, !attempt.is_open());
            before = now;
        });
    }
}
