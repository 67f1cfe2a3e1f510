//! One visit of a customer: fills a cart, places the order, pays, and receives the goods.
//!
//! Of ten customers four abandon their carts, one places an order and does not pay, two wait for
//! their goods, and three receive them.

use chrono::TimeDelta;
use domain::cart::{Addition, Cart, CartCommand, Owner};
use domain::checkout::{self, Changes, PlaceOrder, SkuStates, StartPayment};
use domain::order::{OrderCommand, Shipment};
use domain::payment::{CaptureMode, Fact, PaymentCommand, PaymentMethod};
use domain::pricing::Charges;
use domain::{
    CartId, CustomerId, Decide, OrderId, PaymentId, Personal, Quantity, Refusal, ShipmentId, Sku,
    SubjectId,
};
use uuid::Uuid;

use super::log::{HistoryLog, Origin, changes_of};
use crate::error::BenchError;

const RESERVE_FOR: TimeDelta = TimeDelta::minutes(2);
const RESERVE_AT_MOST: TimeDelta = TimeDelta::minutes(60);

#[derive(Debug)]
pub struct Customer {
    number: usize,
    id: CustomerId,
    cart: CartId,
    order: OrderId,
    payment: PaymentId,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// Add the line of this number.
    Fill(usize),
    ChangeQuantity,
    Place,
    Pay,
    Authorize,
    Capture,
    Process,
    Ship,
    Deliver,
}

#[derive(Debug)]
pub enum Step {
    Stays,
    /// The visit is over. It may leave an order that will not be paid.
    Leaves {
        unpaid: Option<OrderId>,
    },
}

impl Customer {
    pub fn new(number: usize) -> Customer {
        let id = CustomerId::new("bench", &number.to_string());
        Customer {
            number,
            id,
            cart: CartId::of_customer(id, 1),
            order: OrderId(Uuid::now_v7()),
            payment: PaymentId(Uuid::now_v7()),
            next: Next::Fill(0),
        }
    }

    /// Executes one command, and what the shop does by itself after it.
    pub fn step(&mut self, log: &mut HistoryLog, skus: &[Sku]) -> Result<Step, BenchError> {
        let leaves = Ok(Step::Leaves { unpaid: None });
        let kind = self.number % 10;
        self.next = match self.next {
            Next::Fill(line) => {
                self.add_line(log, &skus[(self.number * 7 + line * 13) % skus.len()])?;
                if line < self.number % 4 { Next::Fill(line + 1) } else { Next::ChangeQuantity }
            }
            Next::ChangeQuantity => {
                self.change_quantity(log, &skus[self.number * 7 % skus.len()])?;
                if kind < 4 {
                    log.forget(self.cart.stream());
                    return leaves;
                }
                Next::Place
            }
            Next::Place => {
                self.place(log)?;
                log.forget(self.cart.stream());
                if kind == 4 {
                    return Ok(Step::Leaves { unpaid: Some(self.order) });
                }
                Next::Pay
            }
            Next::Pay => {
                self.pay(log)?;
                Next::Authorize
            }
            Next::Authorize => {
                let total = self.total(log)?;
                let reference = format!("pi_{}", self.payment);
                let expires_at = Some(log.now + TimeDelta::days(7));
                self.record(log, Fact::Authorized { reference, amount: total, expires_at })?;
                Next::Capture
            }
            Next::Capture => {
                let amount = self.total(log)?;
                let object = format!("ch_{}", self.payment);
                self.record(log, Fact::Captured { object, amount, request: Some(1) })?;
                if kind < 7 {
                    self.forget(log);
                    return leaves;
                }
                Next::Process
            }
            Next::Process => {
                self.ask_order(log, "orderProcess", &OrderCommand::StartProcessing)?;
                Next::Ship
            }
            Next::Ship => {
                let shipment = Shipment {
                    id: ShipmentId(Uuid::now_v7()),
                    lines: vec![],
                    carrier: None,
                    tracking_number: None,
                    estimated_delivery: Some(log.now + TimeDelta::days(3)),
                };
                self.ask_order(log, "orderShip", &OrderCommand::Ship { shipment })?;
                Next::Deliver
            }
            Next::Deliver => {
                self.ask_order(log, "orderDeliver", &OrderCommand::Deliver { lines: vec![] })?;
                self.forget(log);
                return leaves;
            }
        };
        Ok(Step::Stays)
    }

    fn add_line(&self, log: &mut HistoryLog, sku: &Sku) -> Result<(), BenchError> {
        let offer = log.product(sku)?.offer(sku).map_err(Refusal::from)?;
        let line = Addition { offer, quantity: Quantity::ONE, expected_unit_price: None };
        let add = CartCommand::AddLines {
            owner: Owner::Customer(self.id),
            idle_seconds: 604_800,
            lines: vec![line],
        };
        let decided = match log.cart(self.cart) {
            Ok(cart) => cart.decide(&add, log.now),
            Err(_) => Cart::Absent.decide(&add, log.now),
        };
        self.commit(log, "cartLinesAdd", changes_of(self.cart.stream(), decided))
    }

    fn change_quantity(&self, log: &mut HistoryLog, sku: &Sku) -> Result<(), BenchError> {
        let lines = vec![(sku.clone(), Some(Quantity::new(3)?))];
        let decided = log.cart(self.cart)?.decide(&CartCommand::UpdateLines { lines }, log.now);
        self.commit(log, "cartLinesUpdate", changes_of(self.cart.stream(), decided))
    }

    fn place(&self, log: &mut HistoryLog) -> Result<(), BenchError> {
        let request = PlaceOrder {
            order: self.order,
            number: format!("C-{:07}", self.number),
            cart: self.cart,
            contact: self.sealed(120),
            shipping_address: self.sealed(240),
            expected_total: None,
            charges: Charges::default(),
            reserve_for: RESERVE_FOR,
        };
        let cart = log.cart(self.cart)?;
        let lines = cart.details().map(|details| details.lines.as_slice()).unwrap_or_default();
        let sku_states = |sku: &Sku| {
            let sku_states =
                SkuStates { product: log.product(sku)?, inventory: log.inventory(sku)? };
            Ok((sku.clone(), sku_states))
        };
        let skus =
            lines.iter().map(|line| sku_states(&line.sku)).collect::<Result<_, BenchError>>();
        let decided = checkout::place(&request, cart, None, &skus?, log.now);
        self.commit(log, "orderPlace", decided)
    }

    fn pay(&self, log: &mut HistoryLog) -> Result<(), BenchError> {
        let request = StartPayment {
            order: self.order,
            payment: self.payment,
            method: PaymentMethod::Card,
            capture: CaptureMode::Automatic,
            source: "tok_success".to_owned(),
            reserve_for: RESERVE_FOR,
            reserve_at_most: RESERVE_AT_MOST,
        };
        let order = log.order(self.order)?;
        let related = log.related(order)?;
        let decided = checkout::start_payment(&request, order, None, &related, log.now);
        self.commit(log, "paymentStart", decided)
    }

    /// Records a fact from the provider, and settles the order.
    fn record(&self, log: &mut HistoryLog, fact: Fact) -> Result<(), BenchError> {
        let record = PaymentCommand::Record(fact);
        let decided = log.payment(self.payment)?.decide(&record, log.now);
        let origin = Origin { command: "record", actor: "system:inbox".into(), caused_by: None };
        let recorded_at = log.append(origin, changes_of(self.payment.stream(), decided))?;
        let (order, payment) = (log.order(self.order)?, log.payment(self.payment)?);
        let (order, payment) = ((self.order, order), (self.payment, payment));
        let decided = checkout::settle(order, payment, &log.related(order.1)?, log.now);
        let (actor, caused_by) = ("system:reactions".to_owned(), Some(recorded_at));
        log.append(Origin { command: "settle", actor, caused_by }, decided)?;
        Ok(())
    }

    fn ask_order(
        &self,
        log: &mut HistoryLog,
        command: &'static str,
        asked: &OrderCommand,
    ) -> Result<(), BenchError> {
        let decided = log.order(self.order)?.decide(asked, log.now);
        self.commit(log, command, changes_of(self.order.stream(), decided))
    }

    fn commit(
        &self,
        log: &mut HistoryLog,
        command: &'static str,
        decided: Result<Changes, Refusal>,
    ) -> Result<(), BenchError> {
        let actor = format!("customer:{}", self.id);
        log.append(Origin { command, actor, caused_by: None }, decided)?;
        Ok(())
    }

    fn total(&self, log: &HistoryLog) -> Result<domain::Money, BenchError> {
        Ok(log.order(self.order)?.existing().map_err(Refusal::from)?.total())
    }

    /// Placeholder with the size of the sealed data.
    fn sealed(&self, bytes: usize) -> Personal {
        Personal {
            subject: SubjectId(self.id.0),
            nonce: "bm9uY2Vub25jZW5vbmNlbm9uY2Vub25j".to_owned(),
            ciphertext: "c2VhbGVk".repeat(bytes.div_ceil(6)),
        }
    }

    fn forget(&self, log: &mut HistoryLog) {
        log.forget(self.order.stream());
        log.forget(self.payment.stream());
    }
}
