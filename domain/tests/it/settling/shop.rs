//! A small shop that runs to a fixed point: after every fact and every command, the process manager
//! reacts to all events, and to those that follow, until there are no more.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use domain::cart::{Addition, Cart, CartCommand, Owner};
use domain::checkout::{self, Changes, PlaceOrder, RelatedStates, SkuStates, StartPayment};
use domain::inventory::{Inventory, InventoryCommand, InventoryEvent, Stock};
use domain::order::{Order, OrderDetails};
use domain::payment::{
    CaptureMode, Fact, Payment, PaymentCommand, PaymentDetails, PaymentEvent, PaymentMethod,
};
use domain::pricing::Charges;
use domain::process::{Reaction, react};
use domain::product::{Product, ProductCommand};
use domain::{CartId, Decide, Event, OrderId, PaymentId, Refusal, Sku, State, StreamId, Timestamp};

use crate::samples::{id, minute, sealed, sku, text, units, usd};

/// Two mugs at 12.50 and three teas at 3.00.
pub(super) const TOTAL: i64 = 3400;
const LINES: [(&str, i64, i64); 2] = [("MUG", 1250, 2), ("TEA", 300, 3)];
pub(super) const ON_HAND: u32 = 4;

pub(super) fn order_id() -> OrderId {
    OrderId(id(1))
}

pub(super) fn payment_id(number: u128) -> PaymentId {
    PaymentId(id(number))
}

/// All states, and all events so far.
#[derive(Default)]
pub(super) struct Shop {
    states: BTreeMap<StreamId, State>,
    log: Vec<(StreamId, Event)>,
    pub(super) minutes: i64,
}

macro_rules! state {
    ($shop:expr, $kind:ident, $stream:expr) => {
        match $shop.states.get(&$stream) {
            Some(State::$kind(state)) => state.clone(),
            _ => <$kind>::default(),
        }
    };
}

impl Shop {
    /// An order is placed, and a first payment is started.
    pub(super) fn with_payment(method: PaymentMethod, capture: CaptureMode) -> Shop {
        let mut shop = Shop::default();
        let (cart, now) = (CartId(id(9)), shop.now());
        for (name, price, _) in LINES {
            let (sku, name, price) = (sku(name), text(name), usd(price));
            let (description, image_url) = (None, None);
            let create =
                ProductCommand::Create { sku: sku.clone(), name, description, image_url, price };
            shop.happen(sku.product(), Product::default().decide(&create, now).unwrap());
            let register = InventoryCommand::Register {
                sku: sku.clone(),
                on_hand: ON_HAND,
                reorder_level: 0,
                reorder_quantity: 0,
            };
            shop.happen(sku.inventory(), Inventory::default().decide(&register, now).unwrap());
        }
        let lines = LINES.map(|(name, _, quantity)| Addition {
            offer: state!(shop, Product, sku(name).product()).offer(&sku(name)).unwrap(),
            quantity: units(quantity),
            expected_unit_price: None,
        });
        let add = CartCommand::AddLines {
            owner: Owner::Guest,
            idle_seconds: 604_800,
            lines: lines.into(),
        };
        shop.happen(cart.stream(), Cart::default().decide(&add, now).unwrap());
        let placed = shop.place(cart, now);
        shop.follow(placed);
        let started = shop.start(1, method, capture);
        shop.follow(started);
        shop
    }

    pub(super) fn now(&self) -> Timestamp {
        minute(self.minutes)
    }

    fn happen<E: Into<Event>>(&mut self, stream: StreamId, events: Vec<E>) {
        for event in events {
            let event = event.into();
            let absent = || State::absent(stream.kind);
            self.states.entry(stream).or_insert_with(absent).apply(event.clone());
            self.log.push((stream, event));
        }
    }

    /// Applies the decided events, and everything that follows from them. A refusal changes
    /// nothing.
    pub(super) fn follow(&mut self, decision: Result<Changes, Refusal>) {
        let mut news = VecDeque::from(self.take(decision));
        let mut steps = 0;
        while let Some((stream, event)) = news.pop_front() {
            for reaction in react(stream, &event) {
                let decision = self.answer(reaction);
                assert!(decision.is_ok(), "{reaction:?} is refused: {decision:?}");
                news.extend(self.take(decision));
            }
            steps += 1;
            assert!(steps < 1_000, "the reactions do not end");
        }
    }

    fn take(&mut self, decision: Result<Changes, Refusal>) -> Changes {
        let changes = decision.unwrap_or_default();
        for (stream, event) in &changes {
            self.happen(*stream, vec![event.clone()]);
        }
        changes
    }

    fn answer(&self, reaction: Reaction) -> Result<Changes, Refusal> {
        match reaction {
            Reaction::Settle(payment) => self.with_related(|shop, related| {
                let paid = (payment, &state!(shop, Payment, payment.stream()));
                checkout::settle((order_id(), &shop.order()), paid, related, shop.now())
            }),
            Reaction::ExtendReservation(payment) => self.with_related(|shop, related| {
                let (order, payment) = (shop.order(), state!(shop, Payment, payment.stream()));
                let at_most = TimeDelta::minutes(60);
                checkout::extend_reservation(
                    (order_id(), &order),
                    &payment,
                    at_most,
                    related,
                    shop.now(),
                )
            }),
            Reaction::UnwindPayments(_) => {
                let mut changes = vec![];
                for payment in self.details().payments.keys() {
                    let state = state!(self, Payment, payment.stream());
                    changes.extend(checkout::unwind((*payment, &state), self.now())?);
                }
                Ok(changes)
            }
            Reaction::PlanFollowUp(payment) => {
                let first = TimeDelta::minutes(1);
                self.ask(payment, &PaymentCommand::PlanFollowUp { first })
            }
            Reaction::FlagUnknown(_) => {
                let mut changes = vec![];
                for payment in self.details().payments.keys() {
                    changes.extend(self.ask(*payment, &PaymentCommand::FlagUnknown)?);
                }
                Ok(changes)
            }
        }
    }

    pub(super) fn ask(
        &self,
        payment: PaymentId,
        command: &PaymentCommand,
    ) -> Result<Changes, Refusal> {
        let events = state!(self, Payment, payment.stream()).decide(command, self.now())?;
        Ok(events.into_iter().map(|event| (payment.stream(), event.into())).collect())
    }

    fn place(&self, cart: CartId, now: Timestamp) -> Result<Changes, Refusal> {
        let request = PlaceOrder {
            order: order_id(),
            number: "A-1001".into(),
            cart,
            contact: sealed("Y29udGFjdA=="),
            shipping_address: sealed("YWRkcmVzcw=="),
            expected_total: None,
            charges: Charges::default(),
            reserve_for: TimeDelta::minutes(15),
        };
        let known: BTreeMap<Sku, (Product, Inventory)> = LINES
            .map(|(name, ..)| {
                let product = state!(self, Product, sku(name).product());
                (sku(name), (product, state!(self, Inventory, sku(name).inventory())))
            })
            .into();
        let skus = known
            .iter()
            .map(|(sku, (product, inventory))| (sku.clone(), SkuStates { product, inventory }))
            .collect();
        checkout::place(&request, &state!(self, Cart, cart.stream()), None, &skus, now)
    }

    pub(super) fn start(
        &self,
        n: u128,
        method: PaymentMethod,
        capture: CaptureMode,
    ) -> Result<Changes, Refusal> {
        let latest = self.details().latest_payment;
        let latest = latest.map(|payment| state!(self, Payment, payment.stream()));
        let request = StartPayment {
            order: order_id(),
            payment: payment_id(n),
            method,
            capture,
            source: "tok_visa".into(),
            reserve_for: TimeDelta::minutes(15),
            reserve_at_most: TimeDelta::minutes(60),
        };
        self.with_related(|shop, related| {
            checkout::start_payment(&request, &shop.order(), latest.as_ref(), related, shop.now())
        })
    }

    pub(super) fn with_related<T>(&self, decide: impl FnOnce(&Shop, &RelatedStates<'_>) -> T) -> T {
        let stock = |(name, ..): (&str, i64, i64)| {
            (sku(name), state!(self, Inventory, sku(name).inventory()))
        };
        let stocks: BTreeMap<Sku, Inventory> = LINES.map(stock).into();
        let stocks = stocks.iter().map(|(sku, stock)| (sku.clone(), stock)).collect();
        decide(self, &RelatedStates { stocks, coupon: None })
    }

    pub(super) fn order(&self) -> Order {
        state!(self, Order, order_id().stream())
    }

    pub(super) fn details(&self) -> OrderDetails {
        self.order().existing().unwrap().clone()
    }

    pub(super) fn stock(&self, sku: &Sku) -> Stock {
        state!(self, Inventory, sku.inventory()).stock().unwrap().clone()
    }

    pub(super) fn knows(&self, payment: PaymentId) -> bool {
        self.states.contains_key(&payment.stream())
    }

    fn attempt(&self, number: u128) -> PaymentDetails {
        state!(self, Payment, payment_id(number).stream()).existing().unwrap().clone()
    }

    pub(super) fn receive(&mut self, payment: u128, fact: Fact) {
        let received = self.ask(payment_id(payment), &PaymentCommand::Record(fact));
        assert!(received.is_ok(), "a fact is never refused: {received:?}");
        self.follow(received);
    }

    /// Everything that can be observed, except times.
    pub(super) fn outcome(&self) -> String {
        let (order, payment) = (self.details(), self.attempt(1));
        let stocks = LINES.map(|(name, ..)| {
            let stock = self.stock(&sku(name));
            (stock.on_hand, stock.reserved)
        });
        let money = [
            payment.authorized,
            payment.captured(),
            payment.capture_pending(),
            payment.refunded(),
            payment.refund_pending(),
            payment.voided(),
            payment.disputed(),
        ];
        let payment = (payment.status(), payment.needs_attention.clone(), money);
        let order = (order.status(), order.payment_state(), order.covered_by, order.payments);
        format!("{payment:?} {order:?} {stocks:?}")
    }

    /// Checks what must be true at any time.
    pub(super) fn check(&self) {
        let mut ledger: BTreeMap<StreamId, i64> = BTreeMap::new();
        let mut folded: BTreeMap<StreamId, State> = BTreeMap::new();
        for (stream, event) in &self.log {
            match event {
                Event::Inventory(InventoryEvent::Adjusted { quantity, .. }) => {
                    *ledger.entry(*stream).or_default() += quantity;
                }
                Event::Inventory(InventoryEvent::Committed { quantity, .. }) => {
                    *ledger.entry(*stream).or_default() -= quantity;
                }
                _ => {}
            }
            folded.entry(*stream).or_insert(State::absent(stream.kind)).apply(event.clone());
        }
        assert_eq!(folded, self.states, "the states equal the fold of the log");
        for (name, ..) in LINES {
            let stock = self.stock(&sku(name));
            assert_eq!(
                ledger[&sku(name).inventory()],
                stock.on_hand,
                "the ledger sums to what is on hand"
            );
            assert!(stock.reserved >= 0 && stock.on_hand >= stock.reserved);
        }
        for (payment, share) in &self.details().payments {
            self.check_money_is_conserved(*payment);
            assert_eq!(share.amount, usd(TOTAL));
        }
    }

    /// Checks that the captured and refunded amounts are those that the provider reported, by
    /// object.
    fn check_money_is_conserved(&self, payment: PaymentId) {
        let (mut captures, mut refunds) = (BTreeMap::new(), BTreeMap::new());
        for (_, event) in self.log.iter().filter(|(stream, _)| *stream == payment.stream()) {
            let (objects, object, amount) = match event {
                Event::Payment(PaymentEvent::Captured { object, amount, .. }) => {
                    (&mut captures, object, amount)
                }
                Event::Payment(PaymentEvent::Refunded { object, amount, .. }) => {
                    (&mut refunds, object, amount)
                }
                _ => continue,
            };
            let known = objects.entry(object.clone()).or_insert(0);
            *known = amount.amount.max(*known);
        }
        let attempt = state!(self, Payment, payment.stream()).existing().unwrap().clone();
        let sum = |objects: BTreeMap<String, i64>| objects.into_values().sum::<i64>();
        let (captured, refunded) = (sum(captures), sum(refunds));
        assert_eq!((attempt.captured(), attempt.refunded()), (captured, refunded));
        assert_eq!(attempt.capturable().min(attempt.refundable()).min(0), 0);
    }
}
