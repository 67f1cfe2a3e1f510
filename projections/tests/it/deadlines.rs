//! The read model of deadlines.

use chrono::TimeDelta;
use domain::cart::Owner;
use domain::order::OrderEvent;
use domain::payment::{CaptureMode, PaymentEvent, PaymentMethod};
use domain::process::Deadline;
use domain::{CartId, OrderId, PaymentId};

use crate::orders::placed;
use crate::support::{Shop, at, id, usd};

#[tokio::test]
async fn an_order_has_a_deadline_until_an_event_removes_it() {
    let shop = Shop::open().await;
    let (idle, paying, confirmed) = (OrderId(id()), OrderId(id()), OrderId(id()));
    let nanosecond = TimeDelta::nanoseconds(1);
    for (order, number, moment) in
        [(idle, "1", at(0) + nanosecond), (paying, "2", at(10)), (confirmed, "3", at(20))]
    {
        shop.record(order.stream(), [placed(number, CartId(id()), Owner::Guest, moment)]).await;
    }
    let started = OrderEvent::PaymentStarted {
        payment: PaymentId(id()),
        method: PaymentMethod::Card,
        amount: usd(2_499),
        reserved_until: at(3_600),
        at: at(30),
    };
    let position = shop.record(paying.stream(), [started]).await;
    shop.record(confirmed.stream(), [OrderEvent::Confirmed { at: at(40) }]).await;

    let models = shop.projected().await;

    let all = models.due_deadlines(at(3_600), 10).await.unwrap();
    let streams: Vec<_> = all.iter().map(|due| (due.deadline, due.stream)).collect();
    let expiry = Deadline::OrderExpiry;
    assert_eq!(streams, [(expiry, idle.stream()), (expiry, paying.stream())]);
    assert_eq!((all[1].due_at, all[1].position), (at(3_600), position));
    // Postgres stores microseconds. A deadline is rounded up, so that it is never executed too
    // early.
    assert_eq!(all[0].due_at, at(900) + TimeDelta::microseconds(1));
    assert_eq!(models.next_deadline().await.unwrap(), Some(all[0].due_at));
    assert_eq!(models.due_deadlines(at(900), 10).await.unwrap(), []);
    assert_eq!(models.due_deadlines(at(3_599), 10).await.unwrap().len(), 1);
    assert_eq!(models.due_deadlines(at(9_999), 1).await.unwrap().len(), 1);
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn a_payment_has_a_deadline_for_its_hold_and_one_for_its_next_retry() {
    let shop = Shop::open().await;
    let (held, taken) = (PaymentId(id()), PaymentId(id()));
    let authorized = || PaymentEvent::Authorized {
        reference: "pi_1".into(),
        amount: usd(2_499),
        expires_at: Some(at(800)),
        at: at(0),
    };
    let captured = PaymentEvent::Captured {
        object: "ch_1".into(),
        amount: usd(2_499),
        request: None,
        at: at(1),
    };
    let again = PaymentEvent::FollowUpScheduled { due_at: at(30), at: at(2) };
    shop.record(taken.stream(), [initiated(), authorized(), captured, again]).await;
    let followed_up = PaymentEvent::FollowedUp { again: vec![], at: at(30) };
    shop.record(taken.stream(), [followed_up]).await;
    let sooner = PaymentEvent::FollowUpScheduled { due_at: at(40), at: at(2) };
    shop.record(held.stream(), [initiated(), authorized(), sooner]).await;

    let models = shop.projected().await;

    let due = models.due_deadlines(at(3_600), 10).await.unwrap();
    let due: Vec<_> = due.iter().map(|due| (due.deadline, due.stream, due.due_at)).collect();
    let (follow_up, expiry) = (Deadline::PaymentFollowUp, Deadline::AuthorizationExpiry);
    assert_eq!(due, [(follow_up, held.stream(), at(40)), (expiry, held.stream(), at(700))]);
    shop.assert_equal_to_rebuilds().await;
}

fn initiated() -> PaymentEvent {
    PaymentEvent::Initiated {
        order: OrderId(id()),
        amount: usd(2_499),
        method: PaymentMethod::Card,
        capture: CaptureMode::Manual,
        source: "tok_success".to_owned(),
        at: at(0),
    }
}
