//! One sample event of every type, always the same, and the values in them.

use chrono::{DateTime, TimeDelta};
use domain::cart::{CartEvent, Owner};
use domain::coupon::{CouponCode, CouponEvent, CouponTerms, Discount};
use domain::inventory::{AdjustmentKind, InventoryEvent, ReleaseReason};
use domain::notification::{
    Channel, Message, MessageItem, NotificationEvent, Recipient, Requested,
};
use domain::order::{
    CancelReason, LineQuantity, OrderEvent, PaymentOutcome, Placed, PlacedLine, Restocking,
    Shipment, Totals,
};
use domain::payment::{Call, CaptureMode, PaymentEvent, PaymentMethod};
use domain::pricing::Tax;
use domain::product::ProductEvent;
use domain::{
    CartId, CustomerId, Event, Kind, Money, OrderId, PaymentId, Personal, Quantity, ShipmentId,
    Sku, SubjectId, Text, Timestamp,
};
use uuid::Uuid;

pub(crate) fn minute(minutes: i64) -> Timestamp {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

pub(crate) fn sku(sku: &str) -> Sku {
    sku.parse().unwrap()
}

pub(crate) fn text(text: &str) -> Text {
    Text::new(text, Text::LONG).unwrap()
}

pub(crate) fn code(code: &str) -> CouponCode {
    code.parse().unwrap()
}

pub(crate) fn units(units: i64) -> Quantity {
    Quantity::new(units).unwrap()
}

pub(crate) fn usd(cents: i64) -> Money {
    Money::new(cents, "USD".parse().unwrap())
}

pub(crate) fn eur(cents: i64) -> Money {
    Money::new(cents, "EUR".parse().unwrap())
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn customer() -> CustomerId {
    CustomerId(id(6))
}

pub(crate) fn sealed(ciphertext: &str) -> Personal {
    let subject = SubjectId(customer().0);
    Personal { subject, nonce: "bm9uY2U=".into(), ciphertext: ciphertext.into() }
}

pub(crate) fn line(name: &str, quantity: i64, cents: i64) -> PlacedLine {
    PlacedLine {
        sku: sku(name),
        name: text("Ein Becher, \"groß\""),
        quantity: units(quantity),
        unit_price: usd(cents),
        total: usd(cents * quantity),
        discount: usd(0),
        tax: usd(0),
    }
}

pub(crate) fn placed(lines: Vec<PlacedLine>) -> Placed {
    let subtotal = usd(lines.iter().map(|line| line.total.amount).sum());
    Placed {
        number: "A-1001".into(),
        cart: CartId(id(1)),
        buyer: Owner::Customer(customer()),
        contact: sealed("Y29udGFjdA=="),
        shipping_address: sealed("YWRkcmVzcw=="),
        lines,
        totals: Totals {
            subtotal,
            shipping: usd(0),
            shipping_tax: usd(0),
            discount: usd(0),
            tax: usd(0),
            total: subtotal,
        },
        tax: Tax::default(),
        coupon: None,
        reserved_until: minute(15),
        at: minute(0),
    }
}

pub(crate) fn of_every_type(kind: Kind) -> Vec<Event> {
    match kind {
        Kind::Product => product().into_iter().map(Event::from).collect(),
        Kind::Cart => cart().into_iter().map(Event::from).collect(),
        Kind::Inventory => inventory().into_iter().map(Event::from).collect(),
        Kind::Order => order().into_iter().map(Event::from).collect(),
        Kind::Payment => payment().into_iter().map(Event::from).collect(),
        Kind::Coupon => coupon().into_iter().map(Event::from).collect(),
        Kind::Notification => notification().into_iter().map(Event::from).collect(),
    }
}

fn product() -> Vec<ProductEvent> {
    let at = minute(1);
    vec![
        ProductEvent::Created {
            sku: sku("MUG"),
            name: text("Mug"),
            description: None,
            image_url: None,
            price: usd(1250),
            at,
        },
        ProductEvent::Updated {
            name: text("Mug"),
            description: Some(text("Holds tea.")),
            image_url: Some(text("https://shop.example/mug.webp")),
            at,
        },
        ProductEvent::Repriced { price: usd(990), at },
        ProductEvent::Discontinued { at },
        ProductEvent::Reinstated { at },
    ]
}

fn cart() -> Vec<CartEvent> {
    let (at, sku, code) = (minute(1), || sku("MUG"), || code("SPRING"));
    vec![
        CartEvent::Created { owner: Owner::Guest, idle_seconds: 604_800, at },
        CartEvent::LineAdded { sku: sku(), quantity: units(2), unit_price: usd(1250), at },
        CartEvent::LineQuantityChanged { sku: sku(), quantity: units(3), at },
        CartEvent::LineRemoved { sku: sku(), at },
        CartEvent::Cleared { at },
        CartEvent::LineRepriced { sku: sku(), unit_price: usd(990), at },
        CartEvent::CouponApplied { code: code(), at },
        CartEvent::CouponRemoved { code: code(), at },
        CartEvent::Merged { into: CartId(id(2)), at },
        CartEvent::Assigned { customer: customer(), at },
        CartEvent::CheckedOut { order: OrderId(id(3)), at },
        CartEvent::Expired { at },
    ]
}

fn inventory() -> Vec<InventoryEvent> {
    let (at, order) = (minute(1), OrderId(id(3)));
    vec![
        InventoryEvent::Registered { sku: sku("MUG"), reorder_level: 3, reorder_quantity: 20, at },
        InventoryEvent::Adjusted {
            kind: AdjustmentKind::Purchase,
            quantity: 10,
            reason: None,
            reference: Some(text("PO-7")),
            on_hand: 10,
            at,
        },
        InventoryEvent::Reserved { order, quantity: 2, expires_at: minute(15), at },
        InventoryEvent::ReservationExtended { order, expires_at: minute(35), at },
        InventoryEvent::Released { order, quantity: 2, why: ReleaseReason::Cancelled, at },
        InventoryEvent::Committed { order, quantity: 2, on_hand: 8, at },
        InventoryEvent::ReorderLevelSet { reorder_level: 5, reorder_quantity: 40, at },
        InventoryEvent::LowStock { available: 3, reorder_level: 3, at },
        InventoryEvent::Recovered { available: 4, reorder_level: 3, at },
    ]
}

fn order() -> Vec<OrderEvent> {
    let (at, payment) = (minute(1), PaymentId(id(4)));
    let parts = || vec![LineQuantity { sku: sku("MUG"), quantity: units(2) }];
    vec![
        OrderEvent::Placed(Box::new(placed(vec![line("MUG", 2, 1250), line("TEA", 3, 300)]))),
        OrderEvent::Updated { contact: Some(sealed("bmV3")), shipping_address: None, at },
        OrderEvent::PaymentStarted {
            payment,
            method: PaymentMethod::NetBanking,
            amount: usd(3400),
            reserved_until: minute(35),
            at,
        },
        OrderEvent::PaymentRecorded {
            payment,
            outcome: PaymentOutcome {
                authorized: 3400,
                captured: 1000,
                closed: false,
                disputed: true,
            },
            at,
        },
        OrderEvent::Confirmed { at },
        OrderEvent::ProcessingStarted { at },
        OrderEvent::Shipped {
            shipment: Shipment {
                id: ShipmentId(id(5)),
                lines: parts(),
                carrier: Some(text("Pigeon")),
                tracking_number: None,
                estimated_delivery: Some(minute(2_000)),
            },
            at,
        },
        OrderEvent::Delivered { lines: parts(), at },
        OrderEvent::Cancelled { reason: CancelReason::Staff(Some(text("Lost."))), at },
        OrderEvent::Expired { at },
        OrderEvent::ReturnRequested { lines: parts(), reason: Some(text("Too small.")), at },
        OrderEvent::Returned { lines: parts(), restocked: Restocking::WrittenOff, at },
        OrderEvent::RefundRecorded { payment, refunded: 1000, at },
        OrderEvent::NoteAdded { note: sealed("bm90ZQ=="), at },
        OrderEvent::ReservationExtended { reserved_until: minute(60), at },
    ]
}

fn payment() -> Vec<PaymentEvent> {
    let (at, amount, request) = (minute(1), usd(3400), 1);
    let (reference, reason) = (|| "pi_1".to_owned(), || "card_declined".to_owned());
    let dispute = || "dp_1".to_owned();
    vec![
        PaymentEvent::Initiated {
            order: OrderId(id(3)),
            amount,
            method: PaymentMethod::CashOnDelivery,
            capture: CaptureMode::Automatic,
            source: "cash".into(),
            at,
        },
        PaymentEvent::ActionRequired {
            reference: reference(),
            url: Some("https://bank.example/3ds".into()),
            at,
        },
        PaymentEvent::Processing { reference: reference(), at },
        PaymentEvent::Authorized {
            reference: reference(),
            amount,
            expires_at: Some(minute(9_000)),
            at,
        },
        PaymentEvent::CaptureRequested { request, amount, at },
        PaymentEvent::Captured { object: "ch_1".into(), amount, request: Some(request), at },
        PaymentEvent::CaptureFailed { request, reason: reason(), at },
        PaymentEvent::Cancelled { at },
        PaymentEvent::VoidRequested { at },
        PaymentEvent::VoidFailed { reason: reason(), at },
        PaymentEvent::Voided { amount, at },
        PaymentEvent::RefundRequested { request, amount, at },
        PaymentEvent::Refunded { object: "re_1".into(), amount, request: None, at },
        PaymentEvent::RefundFailed { request, reason: reason(), at },
        PaymentEvent::Failed { reason: reason(), at },
        PaymentEvent::Expired { at },
        PaymentEvent::OutcomeUnknown { at },
        PaymentEvent::DisputeOpened { object: dispute(), amount, at },
        PaymentEvent::DisputeWon { object: dispute(), at },
        PaymentEvent::DisputeLost { object: dispute(), at },
        PaymentEvent::NeedsAttention { reason: "34.01 USD was authorised".into(), at },
        PaymentEvent::AttentionResolved { at },
        PaymentEvent::FollowUpScheduled { due_at: minute(5), at },
        PaymentEvent::FollowedUp {
            again: vec![Call::Create, Call::Capture(1), Call::Void, Call::Refund(1)],
            at,
        },
        PaymentEvent::RestHeld { expires_at: minute(9_000), at },
        PaymentEvent::AuthorizationExpiring { expires_at: minute(9_000), at },
    ]
}

fn coupon() -> Vec<CouponEvent> {
    let (at, order) = (minute(1), OrderId(id(3)));
    let terms = CouponTerms {
        discount: Discount::Percentage("12.5".parse().unwrap()),
        valid_from: Some(minute(0)),
        valid_until: Some(minute(60)),
        minimum: Some(usd(5_000)),
        usage_limit: Some(100),
    };
    vec![
        CouponEvent::Created { code: code("SPRING"), terms, at },
        CouponEvent::Redeemed { order, discount: usd(425), at },
        CouponEvent::Released { order, at },
        CouponEvent::Disabled { at },
    ]
}

fn notification() -> Vec<NotificationEvent> {
    let (at, reason) = (minute(1), || "no answer in time".to_owned());
    let message = Message::OrderShipped {
        number: "A-1001".into(),
        items: vec![MessageItem { name: text("Ein Becher, \"groß\""), quantity: units(2) }],
        carrier: Some(text("Pigeon")),
        tracking_number: None,
        estimated_delivery: Some(minute(2_000)),
    };
    let contact = sealed("Y29udGFjdA==");
    let requested = Requested {
        channel: Channel::Email,
        recipient: Recipient::Buyer { contact, customer: Some(customer()) },
        order: Some(OrderId(id(3))),
        message,
        at,
    };
    vec![
        NotificationEvent::Requested(Box::new(requested)),
        NotificationEvent::Sent { attempt: 1, at },
        NotificationEvent::Failed {
            attempt: 1,
            reason: reason(),
            next_attempt_at: Some(minute(2)),
            at,
        },
        NotificationEvent::Abandoned { reason: reason(), at },
    ]
}
