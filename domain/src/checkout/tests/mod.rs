//! Decisions over several streams, tested on a small shop.

macro_rules! state {
    ($shop:expr, $kind:ident, $stream:expr) => {
        match $shop.states.get(&$stream) {
            Some(State::$kind(state)) => state.clone(),
            _ => <$kind>::default(),
        }
    };
}

mod accept_return;
mod cancel;
mod coupon;
mod expire;
mod extend_reservation;
mod merge;
mod pay;
mod place;
mod settle;

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Changes, PlaceOrder, RelatedStates, SkuStates, StartPayment};
use crate::cart::{Addition, Cart, CartCommand, Owner};
use crate::coupon::{Coupon, CouponCommand, CouponTerms, Discount};
use crate::fixtures::{
    WEEK, cart_id, coupon_code, minute, order_id, payment_id, sealed, sku, text, units, usd,
};
use crate::inventory::{Inventory, InventoryCommand, Stock};
use crate::order::{CancelReason, LineQuantity, Order, OrderCommand, OrderDetails, Restocking};
use crate::payment::{CaptureMode, Fact, Payment, PaymentCommand, PaymentDetails, PaymentMethod};
use crate::pricing::Charges;
use crate::product::{Product, ProductCommand};
use crate::{Decide, Event, Money, Refusal, Sku, State, StreamId, Timestamp};

/// Sells mugs at 12.50 and tea at 3.00, and has ten units of each.
struct Shop {
    states: BTreeMap<StreamId, State>,
    charges: Charges,
}

impl Shop {
    fn open() -> Shop {
        let mut shop = Shop { states: BTreeMap::new(), charges: Charges::default() };
        for (name, price) in [("MUG", 1250), ("TEA", 300)] {
            shop.ask_product(
                name,
                ProductCommand::Create {
                    sku: sku(name),
                    name: text(name),
                    description: None,
                    image_url: None,
                    price: usd(price),
                },
            );
            shop.ask_stock(
                name,
                InventoryCommand::Register {
                    sku: sku(name),
                    on_hand: 10,
                    reorder_level: 0,
                    reorder_quantity: 0,
                },
                minute(-10),
            );
        }
        shop
    }

    /// Two mugs and three teas, 34.00 in total, are in the cart.
    fn with_cart() -> Shop {
        let mut shop = Shop::open();
        shop.add("MUG", 2);
        shop.add("TEA", 3);
        shop
    }

    /// The cart was ordered at minute 0, and is reserved until minute 15.
    fn with_order() -> Shop {
        let mut shop = Shop::with_cart();
        shop.take(shop.place(None, minute(0)));
        shop
    }

    /// A first payment was started at minute 5, so the stock is reserved until minute 35.
    fn with_payment(method: PaymentMethod, capture: CaptureMode) -> Shop {
        let mut shop = Shop::with_order();
        shop.take(shop.start_payment(StartPayment { method, capture, ..payment(1) }, minute(5)));
        shop
    }

    fn by_card() -> Shop {
        Shop::with_payment(PaymentMethod::Card, CaptureMode::Automatic)
    }

    /// The first payment is authorised and the order confirmed.
    fn with_confirmed_order() -> Shop {
        let mut shop = Shop::by_card();
        shop.receive(1, authorized());
        shop.take(shop.settle(1, minute(6)));
        shop
    }

    /// Applies the decided events, and returns their names.
    fn take(&mut self, decision: Result<Changes, Refusal>) -> Vec<&'static str> {
        let changes = decision.unwrap();
        let names = changes.iter().map(|(_, event)| event.name()).collect();
        for (stream, event) in changes {
            let absent = || State::absent(stream.kind);
            self.states.entry(stream).or_insert_with(absent).apply(event);
        }
        names
    }

    fn happen<E: Into<Event>>(&mut self, stream: StreamId, events: Vec<E>) {
        self.take(Ok(super::with_stream(stream, events)));
    }

    fn ask_product(&mut self, name: &str, command: ProductCommand) {
        let stream = sku(name).product();
        let events = state!(self, Product, stream).decide(&command, minute(-10)).unwrap();
        self.happen(stream, events);
    }

    fn ask_stock(&mut self, name: &str, command: InventoryCommand, now: Timestamp) {
        let stream = sku(name).inventory();
        let events = state!(self, Inventory, stream).decide(&command, now).unwrap();
        self.happen(stream, events);
    }

    fn ask_order(&mut self, command: OrderCommand, now: Timestamp) {
        let events = self.order().decide(&command, now).unwrap();
        self.happen(order_id(1).stream(), events);
    }

    fn ask_payment(&mut self, number: u128, command: PaymentCommand) {
        let payment = state!(self, Payment, payment_id(number).stream());
        let events = payment.decide(&command, minute(6)).unwrap();
        self.happen(payment_id(number).stream(), events);
    }

    fn receive(&mut self, number: u128, fact: Fact) {
        self.ask_payment(number, PaymentCommand::Record(fact));
    }

    fn add(&mut self, name: &str, quantity: i64) {
        let offer = state!(self, Product, sku(name).product()).offer(&sku(name)).unwrap();
        let line = Addition { offer, quantity: units(quantity), expected_unit_price: None };
        let add =
            CartCommand::AddLines { owner: Owner::Guest, idle_seconds: WEEK, lines: vec![line] };
        let events = self.cart().decide(&add, minute(-5)).unwrap();
        self.happen(cart_id(1).stream(), events);
    }

    /// Another order reserves this many units until this time.
    fn others_reserve(&mut self, name: &str, quantity: i64, until: i64, now: Timestamp) {
        let (order, quantity, expires_at) = (order_id(99), units(quantity), minute(until));
        self.ask_stock(name, InventoryCommand::Reserve { order, quantity, expires_at }, now);
    }

    fn place(&self, expected_total: Option<Money>, now: Timestamp) -> Result<Changes, Refusal> {
        let request = PlaceOrder {
            order: order_id(1),
            number: "A-1001".into(),
            cart: cart_id(1),
            contact: sealed("contact"),
            shipping_address: sealed("address"),
            expected_total,
            charges: self.charges.clone(),
            reserve_for: TimeDelta::minutes(15),
        };
        let known: BTreeMap<Sku, (Product, Inventory)> = ["MUG", "TEA"]
            .map(|name| {
                let product = state!(self, Product, sku(name).product());
                (sku(name), (product, state!(self, Inventory, sku(name).inventory())))
            })
            .into();
        let skus = known
            .iter()
            .map(|(sku, (product, inventory))| (sku.clone(), SkuStates { product, inventory }))
            .collect();
        let coupon = self.coupon();
        super::place(&request, &self.cart(), coupon.as_ref(), &skus, now)
    }

    fn start_payment(&self, request: StartPayment, now: Timestamp) -> Result<Changes, Refusal> {
        let order = self.order();
        let latest = order.details().and_then(|details| details.latest_payment);
        let latest = latest.map(|payment| state!(self, Payment, payment.stream()));
        let (stocks, coupon) = (self.stocks(), self.coupon());
        super::start_payment(&request, &order, latest.as_ref(), &related(&stocks, &coupon), now)
    }

    fn settle(&self, number: u128, now: Timestamp) -> Result<Changes, Refusal> {
        let payment = state!(self, Payment, payment_id(number).stream());
        let order = (order_id(1), &self.order());
        let (stocks, coupon) = (self.stocks(), self.coupon());
        super::settle(order, (payment_id(number), &payment), &related(&stocks, &coupon), now)
    }

    fn unwind(&self, number: u128, now: Timestamp) -> Result<Changes, Refusal> {
        let payment = state!(self, Payment, payment_id(number).stream());
        super::unwind((payment_id(number), &payment), now)
    }

    fn cancel(&self, reason: &CancelReason, now: Timestamp) -> Result<Changes, Refusal> {
        let (stocks, coupon) = (self.stocks(), self.coupon());
        super::cancel((order_id(1), &self.order()), &related(&stocks, &coupon), reason, now)
    }

    fn accept_return(
        &self,
        lines: &[LineQuantity],
        restocking: Restocking,
        now: Timestamp,
    ) -> Result<Changes, Refusal> {
        let (stocks, coupon) = (self.stocks(), self.coupon());
        let order = (order_id(1), &self.order());
        super::accept_return(order, lines, restocking, &related(&stocks, &coupon), now)
    }

    fn expire(&self, now: Timestamp) -> Result<Changes, Refusal> {
        let (stocks, coupon) = (self.stocks(), self.coupon());
        super::expire((order_id(1), &self.order()), &related(&stocks, &coupon), now)
    }

    /// The coupon SPRING, if it was issued.
    fn coupon(&self) -> Option<Coupon> {
        let coupon = state!(self, Coupon, coupon_code("SPRING").stream());
        coupon.details().is_some().then_some(coupon)
    }

    fn ask_coupon(&mut self, command: CouponCommand) {
        let stream = coupon_code("SPRING").stream();
        let events = state!(self, Coupon, stream).decide(&command, minute(-10)).unwrap();
        self.happen(stream, events);
    }

    /// Creates the coupon SPRING, ten percent, and applies it to the cart.
    fn with_coupon(usage_limit: u32) -> Shop {
        let mut shop = Shop::with_cart();
        let code = coupon_code("SPRING");
        let terms = CouponTerms {
            discount: Discount::Percentage("10".parse().unwrap()),
            valid_from: None,
            valid_until: None,
            minimum: None,
            usage_limit: Some(usage_limit),
        };
        shop.ask_coupon(CouponCommand::Create { code: code.clone(), terms });
        let events = shop.cart().decide(&CartCommand::ApplyCoupon { code }, minute(-5)).unwrap();
        shop.happen(cart_id(1).stream(), events);
        shop
    }

    /// The number of orders that use SPRING.
    fn redemptions(&self) -> u32 {
        self.coupon().unwrap().details().unwrap().redemptions
    }

    fn cart(&self) -> Cart {
        state!(self, Cart, cart_id(1).stream())
    }

    fn order(&self) -> Order {
        state!(self, Order, order_id(1).stream())
    }

    fn details(&self) -> OrderDetails {
        self.order().existing().unwrap().clone()
    }

    fn attempt(&self, number: u128) -> PaymentDetails {
        state!(self, Payment, payment_id(number).stream()).existing().unwrap().clone()
    }

    fn stock(&self, name: &str) -> Stock {
        state!(self, Inventory, sku(name).inventory()).stock().unwrap().clone()
    }

    /// When the reservation for an order expires.
    fn expiry(&self, name: &str, order: u128) -> Timestamp {
        self.stock(name).reservations.get(order_id(order)).unwrap().expires_at
    }

    fn stocks(&self) -> BTreeMap<Sku, Inventory> {
        let stock = |name| (sku(name), state!(self, Inventory, sku(name).inventory()));
        ["MUG", "TEA"].map(stock).into()
    }

    /// Compares the units of mugs and teas, on hand and reserved.
    fn check_stock(&self, on_hand: [i64; 2], reserved: [i64; 2]) {
        let stocks = ["MUG", "TEA"].map(|name| self.stock(name));
        assert_eq!(stocks.each_ref().map(|stock| stock.on_hand), on_hand);
        assert_eq!(stocks.each_ref().map(|stock| stock.reserved), reserved);
    }
}

fn related<'a>(
    stocks: &'a BTreeMap<Sku, Inventory>,
    coupon: &'a Option<Coupon>,
) -> RelatedStates<'a> {
    let stocks = stocks.iter().map(|(sku, inventory)| (sku.clone(), inventory)).collect();
    RelatedStates { stocks, coupon: coupon.as_ref() }
}

/// Extends the reservation to half an hour from its start, and to at most one hour after the
/// placing.
fn payment(number: u128) -> StartPayment {
    StartPayment {
        order: order_id(1),
        payment: payment_id(number),
        method: PaymentMethod::Card,
        capture: CaptureMode::Automatic,
        source: "tok_visa".into(),
        reserve_for: TimeDelta::minutes(30),
        reserve_at_most: TimeDelta::minutes(60),
    }
}

fn authorized() -> Fact {
    Fact::Authorized { reference: "pi_1".into(), amount: usd(3400), expires_at: None }
}

fn captured(cents: i64) -> Fact {
    Fact::Captured { object: "ch_1".into(), amount: usd(cents), request: None }
}

fn declined() -> Fact {
    Fact::Failed { reason: "card_declined".into() }
}
