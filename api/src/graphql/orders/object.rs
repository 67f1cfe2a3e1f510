//! An order as a client sees it.

use async_graphql::connection::Connection;
use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::OrderId;
use domain::coupon::CouponCode;
use domain::order::{self, Lifecycle, LineQuantity, OrderDetails, OrderLine, SentShipment};

use crate::graphql::audit::{Event, history};
use crate::graphql::errors::query_fault;
use crate::graphql::money::Money;
use crate::graphql::notifications::{self, Notification};
use crate::graphql::payments::Payment;
use crate::graphql::personal::{AddressView, ContactView, open};
use crate::graphql::shop::{caller, shop};

/// What somebody has bought, from placing to delivery.
#[derive(Debug, Description)]
pub struct Order {
    pub id: OrderId,
    version: i32,
    details: Box<OrderDetails>,
}

/// What a customer is told about their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderStatus")]
pub enum OrderStatus {
    /// Waiting for payment.
    Pending,
    /// Confirmed: paid, authorised, or to be paid on delivery.
    Paid,
    /// Being packed.
    Processing,
    /// All of it is on its way.
    Shipped,
    /// All of it has arrived.
    Delivered,
    /// The money went back.
    Refunded,
    /// It was called off.
    Cancelled,
    /// Nobody paid in time.
    Expired,
}

/// What has come of the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderPaymentState")]
pub enum OrderPaymentState {
    /// Nothing.
    None,
    /// It is held, and not taken yet.
    Authorized,
    /// A part of it was taken.
    PartiallyPaid,
    /// All of it was taken.
    Paid,
    /// A part went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// The customer's bank disputes it.
    Disputed,
}

/// How far the goods have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderFulfilmentState")]
pub enum OrderFulfilmentState {
    /// Nothing is shipped.
    Unfulfilled,
    /// A part is on its way.
    PartiallyShipped,
    /// All of it is on its way.
    Shipped,
    /// A part has arrived.
    PartiallyDelivered,
    /// All of it has arrived.
    Delivered,
    /// A part came back.
    PartiallyReturned,
    /// All of it came back.
    Returned,
}

/// How prices and tax go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::pricing::TaxMode")]
pub enum TaxMode {
    /// Tax comes on top of the prices.
    Exclusive,
    /// The prices include it.
    Inclusive,
}

impl Order {
    pub fn new(id: OrderId, version: i32, state: order::Order) -> Option<Self> {
        match state {
            order::Order::Absent => None,
            order::Order::Existing(details) => Some(Order { id, version, details }),
        }
    }

    pub fn details(&self) -> &OrderDetails {
        &self.details
    }
}

#[Object(use_type_description)]
impl Order {
    /// The order's id.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// Short and readable, for people.
    async fn number(&self) -> &str {
        &self.details.placed.number
    }

    /// Where it stands.
    async fn status(&self) -> OrderStatus {
        self.details.status().into()
    }

    /// What has come of the money.
    async fn payment_state(&self) -> OrderPaymentState {
        self.details.payment_state().into()
    }

    /// How far the goods have come.
    async fn fulfilment_state(&self) -> OrderFulfilmentState {
        self.details.fulfilment_state().into()
    }

    /// Why it was cancelled.
    async fn cancel_reason(&self) -> Option<String> {
        match &self.details.lifecycle {
            Lifecycle::Cancelled { reason, .. } => Some(reason.to_string()),
            _ => None,
        }
    }

    /// The customer, unless it is a guest's.
    async fn customer_id(&self) -> Option<ID> {
        match self.details.placed.buyer {
            domain::cart::Owner::Guest => None,
            domain::cart::Owner::Customer(customer) => Some(customer.0.into()),
        }
    }

    /// The cart it was placed with.
    async fn cart_id(&self) -> ID {
        self.details.placed.cart.0.into()
    }

    /// Whom to reach; nothing, once the person is forgotten.
    async fn contact(&self, ctx: &Context<'_>) -> Result<Option<ContactView>> {
        let contact = open::<domain::Contact>(ctx, &self.details.placed.contact).await?;
        Ok(contact.map(ContactView::from))
    }

    /// Where it goes; nothing, once the person is forgotten.
    async fn shipping_address(&self, ctx: &Context<'_>) -> Result<Option<AddressView>> {
        let address = open::<domain::Address>(ctx, &self.details.placed.shipping_address).await?;
        Ok(address.map(AddressView::from))
    }

    /// What was bought.
    async fn lines(&self) -> Vec<Line<'_>> {
        self.details.lines.iter().map(Line).collect()
    }

    /// The sum of the lines.
    async fn subtotal(&self) -> Money {
        Money(self.details.placed.totals.subtotal)
    }

    /// What shipping costs.
    async fn shipping(&self) -> Money {
        Money(self.details.placed.totals.shipping)
    }

    /// The coupon that made the discount, by its code.
    async fn coupon_code(&self) -> Option<&str> {
        self.details.placed.coupon.as_ref().map(CouponCode::as_str)
    }

    /// What is taken off.
    async fn discount(&self) -> Money {
        Money(self.details.placed.totals.discount)
    }

    /// Tax on goods and shipping.
    async fn tax(&self) -> Money {
        Money(self.details.placed.totals.tax)
    }

    /// The rate in percent, such as `10.75`.
    async fn tax_rate(&self) -> String {
        self.details.placed.tax.rate.to_string()
    }

    /// Whether tax came on top of the prices or was included.
    async fn tax_mode(&self) -> TaxMode {
        self.details.placed.tax.mode.into()
    }

    /// What is charged: subtotal + shipping − discount, and tax if it comes on top.
    async fn total(&self) -> Money {
        Money(self.details.total())
    }

    /// The attempts to pay, the first one first.
    async fn payments(&self, ctx: &Context<'_>) -> Result<Vec<Payment>> {
        let ids: Vec<_> = self.details.payments.keys().map(|payment| payment.0).collect();
        let rows = shop(ctx).read_models.payments_by_id(&ids).await.map_err(query_fault)?;
        let mut payments: Vec<_> = rows.into_iter().filter_map(Payment::from_row).collect();
        payments.sort_by_key(|payment| payment.id);
        Ok(payments)
    }

    /// The parcels that were sent, the first one first.
    async fn shipments(&self) -> Vec<Shipment> {
        self.details.shipments.iter().map(Shipment::from).collect()
    }

    /// What its buyer was told of it, the latest first; for the customer and for staff.
    async fn notifications(&self, ctx: &Context<'_>) -> Result<Vec<Notification>> {
        notifications::of_order(ctx, self.id).await
    }

    /// What staff noted; for staff only.
    async fn notes(&self, ctx: &Context<'_>) -> Result<Vec<Note>> {
        if !caller(ctx).is_staff() {
            return Ok(vec![]);
        }
        let mut notes = vec![];
        for note in &self.details.notes {
            let text = open(ctx, &note.text).await?;
            notes.push(Note { text, at: note.at });
        }
        Ok(notes)
    }

    /// All that happened to it, the first first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
    ) -> Result<Connection<String, Event>> {
        history(ctx, self.id.stream(), first, after).await
    }

    /// When it was placed.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.details.placed.at
    }

    /// Unpaid, its stock goes back after this.
    async fn reserved_until(&self) -> DateTime<Utc> {
        self.details.reserved_until
    }

    /// When it was confirmed.
    async fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.details.confirmed_at
    }

    /// When the last of it arrived.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.details.delivered_at
    }

    /// When anything last happened to it.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.details.updated_at
    }

    /// Grows with every event; name it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

/// So many of one product, as they were bought.
#[derive(Debug, Description)]
pub struct Line<'o>(&'o OrderLine);

#[Object(name = "OrderLine", use_type_description)]
impl Line<'_> {
    /// The product's SKU.
    async fn sku(&self) -> &str {
        self.0.ordered.sku.as_str()
    }

    /// What it was called.
    async fn name(&self) -> &str {
        self.0.ordered.name.as_str()
    }

    /// How many.
    async fn quantity(&self) -> u32 {
        self.0.ordered.quantity.get()
    }

    /// What one is charged at.
    async fn unit_price(&self) -> Money {
        Money(self.0.ordered.unit_price)
    }

    /// The line's total, before discounts and tax.
    async fn total(&self) -> Money {
        Money(self.0.ordered.total)
    }

    /// This line's part of the discount.
    async fn discount(&self) -> Money {
        Money(self.0.ordered.discount)
    }

    /// The tax on what is left after the discount.
    async fn tax(&self) -> Money {
        Money(self.0.ordered.tax)
    }

    /// Units on their way or arrived.
    async fn shipped(&self) -> i64 {
        self.0.shipped
    }

    /// Units that have arrived.
    async fn delivered(&self) -> i64 {
        self.0.delivered
    }

    /// Units that somebody asked to send back.
    async fn return_requested(&self) -> i64 {
        self.0.return_requested
    }

    /// Units that came back.
    async fn returned(&self) -> i64 {
        self.0.returned
    }
}

/// A parcel.
#[derive(Debug, SimpleObject)]
pub struct Shipment {
    /// The parcel's id.
    id: ID,
    /// What is in it.
    lines: Vec<ShipmentLine>,
    /// Who carries it.
    carrier: Option<String>,
    /// The carrier's number for it.
    tracking_number: Option<String>,
    /// When it should arrive.
    estimated_delivery: Option<DateTime<Utc>>,
    /// When it was sent.
    shipped_at: DateTime<Utc>,
}

/// So many of one SKU.
#[derive(Debug, SimpleObject)]
pub struct ShipmentLine {
    /// The SKU.
    sku: String,
    /// How many.
    quantity: u32,
}

/// What staff noted about an order.
#[derive(Debug, SimpleObject)]
pub struct Note {
    /// The note; nothing, once the person is forgotten.
    text: Option<String>,
    /// When it was made.
    at: DateTime<Utc>,
}

impl From<&SentShipment> for Shipment {
    fn from(sent: &SentShipment) -> Self {
        let shipment = sent.shipment.clone();
        Shipment {
            id: shipment.id.0.into(),
            lines: shipment.lines.iter().map(ShipmentLine::from).collect(),
            carrier: shipment.carrier.map(|carrier| carrier.to_string()),
            tracking_number: shipment.tracking_number.map(|number| number.to_string()),
            estimated_delivery: shipment.estimated_delivery,
            shipped_at: sent.at,
        }
    }
}

impl From<&LineQuantity> for ShipmentLine {
    fn from(part: &LineQuantity) -> Self {
        ShipmentLine { sku: part.sku.to_string(), quantity: part.quantity.get() }
    }
}
