//! An order, its payments and its stock, for all facts of the provider in any order.

mod shop;

use domain::checkout::{self, Changes};
use domain::order::{CancelReason, LineQuantity, OrderCommand, OrderEvent, Restocking, Shipment};
use domain::payment::{CaptureMode, Fact, PaymentCommand, PaymentMethod};
use domain::{Decide, ShipmentId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use self::shop::{ON_HAND, Shop, TOTAL, order_id, payment_id};
use crate::samples::{id, usd};

fn authorized() -> Fact {
    Fact::Authorized { reference: "pi_1".into(), amount: usd(TOTAL), expires_at: None }
}

fn captured(cents: i64) -> Fact {
    Fact::Captured { object: "ch_1".into(), amount: usd(cents), request: Some(1) }
}

fn refunded(object: &str, cents: i64) -> Fact {
    Fact::Refunded { object: object.into(), amount: usd(cents), request: None }
}

fn processing() -> Fact {
    Fact::Processing { reference: "pi_1".into() }
}

/// The facts that a provider may report about one payment, from beginning to end. Voids are left
/// out: one cancels an order that was confirmed before, and leaves waiting one that was not, so
/// there the order of facts does matter.
fn scenarios() -> Vec<Vec<Fact>> {
    let dispute = || String::from("dp_1");
    let opened = || Fact::DisputeOpened { object: dispute(), amount: usd(TOTAL) };
    let paid = || vec![processing(), authorized(), captured(TOTAL)];
    let and = |more: Vec<Fact>| [paid(), more].concat();
    vec![
        vec![processing(), Fact::Failed { reason: "card_declined".into() }],
        vec![
            Fact::ActionRequired { reference: "pi_1".into(), url: None },
            processing(),
            authorized(),
            captured(TOTAL),
        ],
        paid(),
        vec![processing(), authorized(), captured(1_000), captured(TOTAL)],
        and(vec![refunded("re_1", 400), refunded("re_2", 1_000)]),
        and(vec![refunded("re_1", TOTAL)]),
        and(vec![opened(), Fact::DisputeWon { object: dispute() }]),
        and(vec![opened(), Fact::DisputeLost { object: dispute() }]),
        and(vec![refunded("re_1", 400), opened(), Fact::DisputeLost { object: dispute() }]),
    ]
}

/// The facts of a scenario, and the same facts in any order and repeated.
fn reported_in_any_order() -> impl Strategy<Value = (Vec<Fact>, Vec<Fact>)> {
    select(scenarios()).prop_flat_map(|facts| {
        let repeated = vec(select(facts.clone()), 0..6).prop_map({
            let facts = facts.clone();
            move |again| [facts.clone(), again].concat()
        });
        (Just(facts), repeated.prop_shuffle())
    })
}

/// One step of a random run.
#[derive(Debug, Clone)]
enum Act {
    Receive(u128, Fact),
    Ask(u128, PaymentCommand),
    Order(OrderCommand),
    Start(u128, PaymentMethod, CaptureMode),
    Cancel(CancelReason),
    Return,
    Expire,
}

fn act() -> impl Strategy<Value = Act> {
    let payment = || 1..4_u128;
    let amount = || select(vec![0, 1, 400, 1_000, TOTAL, TOTAL + 1, -1]);
    let some = move || prop::option::of(amount().prop_map(usd));
    let method = select(vec![
        PaymentMethod::Card,
        PaymentMethod::Upi,
        PaymentMethod::NetBanking,
        PaymentMethod::CashOnDelivery,
    ]);
    let capture = || select(vec![CaptureMode::Automatic, CaptureMode::Manual]);
    let fact = prop_oneof![
        4 => select(scenarios().concat()),
        1 => amount().prop_map(captured),
        1 => amount().prop_map(|cents| refunded("re_3", cents)),
        1 => Just(Fact::CaptureFailed { request: 1, reason: "try later".into() }),
        1 => Just(Fact::RefundFailed { request: 1, reason: "try later".into() }),
        1 => Just(Fact::VoidFailed { reason: "try later".into() }),
        1 => select(vec![Fact::Cancelled, Fact::Expired, Fact::Unknown]),
    ];
    let command = prop_oneof![
        some().prop_map(|amount| PaymentCommand::RequestCapture { amount }),
        some().prop_map(|amount| PaymentCommand::RequestRefund { amount }),
        Just(PaymentCommand::RequestVoid),
        Just(PaymentCommand::FollowUp),
        Just(PaymentCommand::EndHold),
    ];
    let deed = select(vec![
        OrderCommand::StartProcessing,
        OrderCommand::Deliver { lines: vec![] },
        OrderCommand::RequestReturn { lines: vec![], reason: None },
        ship(),
    ]);
    prop_oneof![
        8 => (payment(), fact).prop_map(|(payment, fact)| Act::Receive(payment, fact)),
        4 => (payment(), command).prop_map(|(payment, command)| Act::Ask(payment, command)),
        3 => deed.prop_map(Act::Order),
        2 => (payment(), method, capture()).prop_map(|(n, method, mode)| Act::Start(n, method, mode)),
        1 => select(vec![CancelReason::Customer(None), CancelReason::Staff(None)])
            .prop_map(Act::Cancel),
        1 => Just(Act::Return),
        1 => Just(Act::Expire),
    ]
}

fn ship() -> OrderCommand {
    let (carrier, tracking_number, estimated_delivery) = (None, None, None);
    let (id, lines) = (ShipmentId(id(5)), vec![]);
    let shipment = Shipment { id, lines, carrier, tracking_number, estimated_delivery };
    OrderCommand::Ship { shipment }
}

impl Shop {
    fn act(&mut self, act: Act) {
        let now = self.now();
        let order = (order_id(), &self.order());
        let known = |n: u128| self.knows(payment_id(n));
        let decision = match act {
            Act::Receive(n, fact) if known(n) => return self.receive(n, fact),
            Act::Ask(n, command) if known(n) => self.ask(payment_id(n), &command),
            Act::Receive(..) | Act::Ask(..) => return,
            Act::Start(n, ..) if known(n) => return,
            Act::Start(n, method, capture) => self.start(n, method, capture),
            Act::Order(command) => order.1.decide(&command, now).map_err(Into::into).map(of_order),
            Act::Cancel(reason) => {
                self.with_related(|_, related| checkout::cancel(order, related, &reason, now))
            }
            Act::Return => self.with_related(|_, related| {
                let lines: [LineQuantity; 0] = [];
                checkout::accept_return(order, &lines, Restocking::Restocked, related, now)
            }),
            Act::Expire => self.with_related(|_, related| checkout::expire(order, related, now)),
        };
        self.follow(decision);
    }
}

fn of_order(events: Vec<OrderEvent>) -> Changes {
    events.into_iter().map(|event| (order_id().stream(), event.into())).collect()
}

proptest! {
    #[test]
    fn webhooks_in_any_order_any_number_of_times_end_in_the_same_state(
        (scenario, webhooks) in reported_in_any_order(),
        capture in select(vec![CaptureMode::Automatic, CaptureMode::Manual]),
    ) {
        let outcome = |facts: Vec<Fact>| {
            let mut shop = Shop::with_payment(PaymentMethod::Card, capture);
            facts.into_iter().for_each(|fact| shop.receive(1, fact));
            shop.check();
            shop.outcome()
        };
        prop_assert_eq!(outcome(scenario), outcome(webhooks));
    }

    #[test]
    fn money_and_goods_are_conserved_after_any_steps(
        method in select(vec![PaymentMethod::Card, PaymentMethod::Upi, PaymentMethod::NetBanking, PaymentMethod::CashOnDelivery]),
        capture in select(vec![CaptureMode::Automatic, CaptureMode::Manual]),
        acts in vec((act(), 0..8_i64), 0..30),
    ) {
        let mut shop = Shop::with_payment(method, capture);
        for (act, later) in acts {
            shop.minutes += later;
            shop.act(act);
            shop.check();
        }
    }

    /// Facts that arrive late or repeatedly never sell the same units twice: an order that is not
    /// confirmed has taken no units.
    #[test]
    fn units_that_are_not_on_hand_were_sold_or_returned(acts in vec((act(), 0..8_i64), 0..30)) {
        let mut shop = Shop::with_payment(PaymentMethod::Card, CaptureMode::Automatic);
        for (act, later) in acts {
            shop.minutes += later;
            shop.act(act);
        }
        let order = shop.details();
        let sold = order.confirmed_at.is_some() && order.is_open();
        for line in &order.lines {
            let gone = if sold { line.ordered.quantity.units() - line.returned } else { 0 };
            prop_assert_eq!(shop.stock(&line.ordered.sku).on_hand, i64::from(ON_HAND) - gone);
        }
    }
}
