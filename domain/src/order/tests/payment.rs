//! What an order stores about its payments.

use super::{an_order, cancelled, confirmed, details, expired, given, now, processing};
use crate::fixtures::{minute, payment_id, usd};
use crate::order::{
    OrderCommand, OrderError, OrderEvent, OrderPaymentState, OrderStatus, PaymentOutcome,
};
use crate::payment::PaymentMethod;
use crate::{PaymentId, Timestamp};

fn started(payment: u128, method: PaymentMethod, at: Timestamp) -> OrderEvent {
    OrderEvent::PaymentStarted {
        payment: payment_id(payment),
        method,
        amount: usd(3400),
        reserved_until: minute(40),
        at,
    }
}

fn by_card(payment: u128) -> OrderEvent {
    started(payment, PaymentMethod::Card, minute(1))
}

fn outcome(authorized: i64, captured: i64) -> PaymentOutcome {
    PaymentOutcome { authorized, captured, closed: false, disputed: false }
}

fn closed() -> PaymentOutcome {
    PaymentOutcome { closed: true, ..PaymentOutcome::default() }
}

fn recorded(payment: u128, outcome: PaymentOutcome) -> OrderEvent {
    OrderEvent::PaymentRecorded { payment: payment_id(payment), outcome, at: minute(2) }
}

fn refunded(payment: u128, refunded: i64) -> OrderEvent {
    OrderEvent::RefundRecorded { payment: payment_id(payment), refunded, at: minute(3) }
}

fn record(payment: u128, outcome: PaymentOutcome, refunded: i64) -> OrderCommand {
    OrderCommand::RecordPayment { payment: payment_id(payment), outcome, refunded }
}

fn covered_by<const N: usize>(events: [OrderEvent; N]) -> Option<PaymentId> {
    details(&an_order(events)).covered_by
}

#[test]
fn only_a_waiting_order_is_paid_for() {
    let start = || OrderCommand::StartPayment {
        payment: payment_id(1),
        method: PaymentMethod::Card,
        amount: usd(3400),
        reserved_until: minute(40),
    };
    given(&an_order([])).when(start()).then_expect_events(vec![started(
        1,
        PaymentMethod::Card,
        now(),
    )]);
    for events in [confirmed(), processing([]), cancelled(), expired()] {
        given(&events).when(start()).then_expect_error(OrderError::NotPending);
    }
    let order = details(&an_order([by_card(1), by_card(2)]));
    assert_eq!(order.latest_payment, Some(payment_id(2)));
    assert_eq!(order.reserved_until, minute(40));
    assert_eq!(order.payments.len(), 2);
}

#[test]
fn a_fact_about_money_is_recorded_once() {
    let (authorized, paid) = (outcome(3400, 0), outcome(3400, 3400));
    let payment = payment_id(1);
    let news = |outcome| OrderEvent::PaymentRecorded { payment, outcome, at: now() };
    let given_back = |refunded| OrderEvent::RefundRecorded { payment, refunded, at: now() };

    let waiting = an_order([by_card(1)]);
    given(&waiting).when(record(1, closed(), 0)).then_expect_events(vec![news(closed())]);
    given(&waiting)
        .when(record(1, paid, 400))
        .then_expect_events(vec![news(paid), given_back(400)]);
    given(&waiting).when(record(1, PaymentOutcome::default(), 0)).then_expect_events(vec![]);

    let known = an_order([by_card(1), recorded(1, authorized), refunded(1, 400)]);
    given(&known).when(record(1, authorized, 400)).then_expect_events(vec![]);
    given(&known).when(record(1, authorized, 300)).then_expect_events(vec![]);
    given(&known).when(record(1, authorized, 500)).then_expect_events(vec![given_back(500)]);
}

#[test]
fn facts_about_money_are_recorded_whatever_state_the_order_is_in() {
    let paid = outcome(3400, 3400);
    for mut events in [confirmed(), processing([]), cancelled(), expired()] {
        events.push(by_card(1));
        let news = OrderEvent::PaymentRecorded { payment: payment_id(1), outcome: paid, at: now() };
        given(&events).when(record(1, paid, 0)).then_expect_events(vec![news]);
    }
}

#[test]
fn the_payment_state_follows_from_the_sum_of_all_payments() {
    let disputed = PaymentOutcome { disputed: true, ..outcome(3400, 3400) };
    for (events, axis) in [
        (vec![recorded(1, closed())], OrderPaymentState::None),
        (vec![recorded(1, outcome(3400, 0))], OrderPaymentState::Authorized),
        (vec![recorded(1, outcome(3400, 1000))], OrderPaymentState::PartiallyPaid),
        (vec![recorded(1, outcome(3400, 3400))], OrderPaymentState::Paid),
        (
            vec![recorded(1, outcome(2400, 2400)), recorded(2, outcome(1000, 1000))],
            OrderPaymentState::Paid,
        ),
        (
            vec![recorded(1, outcome(3400, 3400)), refunded(1, 3399)],
            OrderPaymentState::PartiallyRefunded,
        ),
        (vec![recorded(1, outcome(3400, 3400)), refunded(1, 3400)], OrderPaymentState::Refunded),
        (vec![recorded(1, disputed), refunded(1, 3400)], OrderPaymentState::Disputed),
        (
            vec![
                recorded(1, outcome(3400, 3400)),
                recorded(2, outcome(3400, 3400)),
                refunded(2, 3400),
            ],
            OrderPaymentState::Paid,
        ),
    ] {
        let mut history = an_order([by_card(1), by_card(2)]);
        history.extend(events);
        assert_eq!(details(&history).payment_state(), axis);
    }
}

#[test]
fn an_order_shows_refunded_only_when_all_of_its_money_went_back() {
    let paid = recorded(1, outcome(3400, 3400));
    let confirmed = || OrderEvent::Confirmed { at: minute(2) };
    let partly = an_order([by_card(1), paid.clone(), confirmed(), refunded(1, 3399)]);
    assert_eq!(details(&partly).status(), OrderStatus::Paid);
    let wholly = an_order([by_card(1), paid, confirmed(), refunded(1, 3400)]);
    assert_eq!(details(&wholly).status(), OrderStatus::Refunded);
}

#[test]
fn the_order_is_covered_by_the_payment_that_reaches_its_total_first() {
    let authorized = || outcome(3400, 0);
    assert_eq!(covered_by([by_card(1)]), None);
    assert_eq!(covered_by([by_card(1), recorded(1, outcome(3399, 0))]), None);
    assert_eq!(
        covered_by([by_card(1), by_card(2), recorded(2, authorized()), recorded(1, authorized())]),
        Some(payment_id(2)),
    );
}

#[test]
fn cash_on_delivery_covers_an_order_as_soon_as_it_is_started() {
    let started = [started(1, PaymentMethod::CashOnDelivery, minute(1))];
    assert_eq!(covered_by(started), Some(payment_id(1)));
}

#[test]
fn a_payment_that_ended_covers_nothing() {
    let ended = PaymentOutcome { closed: true, ..outcome(3400, 0) };
    let first = [by_card(1), recorded(1, outcome(3400, 0)), recorded(1, ended)];
    assert_eq!(covered_by(first.clone()), None);
    let [a, b, c] = first;
    let then = [a, b, c, by_card(2), recorded(2, outcome(3400, 3400))];
    assert_eq!(covered_by(then), Some(payment_id(2)));
}
