//! The type `Order`.

use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::OrderId;
use domain::coupon::CouponCode;
use domain::order::{self, Lifecycle, LineQuantity, OrderDetails, OrderLine, SentShipment};

use crate::graphql::audit::{EventConnection, load_history};
use crate::graphql::errors::query_error;
use crate::graphql::money::Money;
use crate::graphql::notifications::{self, Notification};
use crate::graphql::payments::Payment;
use crate::graphql::personal::{AddressView, ContactView, decrypt};
use crate::graphql::shop::{caller, shop};

/// An order, from the moment it is placed. Prices, discount and tax are fixed then and never change.
#[derive(Debug, Description)]
pub struct Order {
    pub id: OrderId,
    version: i32,
    details: Box<OrderDetails>,
}

/// The status of an order as its customer understands it. If several apply, it is the first of:
/// `EXPIRED`, `CANCELLED`, `REFUNDED`, `DELIVERED`, `SHIPPED`, `PROCESSING`, `PAID`, `PENDING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderStatus")]
pub enum OrderStatus {
    /// The order waits for its payment until `Order.reservedUntil`.
    Pending,
    /// The order is confirmed: its money is captured or authorised, or it is paid in cash on
    /// delivery.
    Paid,
    /// Staff are packing the order, or some but not all units are shipped.
    Processing,
    /// All units are shipped, and some or all are not delivered yet.
    Shipped,
    /// All units were delivered.
    Delivered,
    /// All captured money was refunded.
    Refunded,
    /// The order was cancelled by the customer, by staff or by the shop itself; see
    /// `Order.cancelReason`.
    Cancelled,
    /// The order was not paid in time, and its stock was released.
    Expired,
}

/// What became of the money for an order, over all its payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderPaymentState")]
pub enum OrderPaymentState {
    /// No money is authorised or captured. Orders paid in cash stay here until the cash is recorded.
    None,
    /// The provider holds money for the order, and none of it is captured yet.
    Authorized,
    /// Some money is captured, but less than the total, and none is refunded.
    PartiallyPaid,
    /// At least the total is captured and not refunded.
    Paid,
    /// Some of the captured money was refunded.
    PartiallyRefunded,
    /// All captured money was refunded.
    Refunded,
    /// The customer's bank disputes a payment of the order, or took money back after a dispute.
    Disputed,
}

/// How far the goods of an order have come. If several apply, the one furthest down this list is
/// meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderFulfilmentState")]
pub enum OrderFulfilmentState {
    /// No unit is shipped yet.
    Unfulfilled,
    /// Some but not all units are shipped.
    PartiallyShipped,
    /// Every unit is shipped, and none is delivered yet.
    Shipped,
    /// Some but not all units are delivered.
    PartiallyDelivered,
    /// Every unit is delivered.
    Delivered,
    /// Some but not all units came back to the shop.
    PartiallyReturned,
    /// Every unit came back to the shop.
    Returned,
}

/// Whether prices contain tax. It is a setting of the shop, and each order keeps what was set when it
/// was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::pricing::TaxMode")]
pub enum TaxMode {
    /// Prices are without tax, and the tax is added to the total.
    Exclusive,
    /// Prices include the tax, so it is shown but not added.
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
    /// The order's UUID. People use the short `number` instead.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// Short unique number for people, such as `C-10001`. Numbers may be skipped.
    async fn number(&self) -> &str {
        &self.details.placed.number
    }

    /// The one status to show to the customer. It is derived from payment, delivery and cancellation.
    async fn status(&self) -> OrderStatus {
        self.details.status().into()
    }

    /// How much of the total was authorised, captured and refunded, over all payments of the order.
    async fn payment_state(&self) -> OrderPaymentState {
        self.details.payment_state().into()
    }

    /// How much of the goods is shipped, delivered and returned.
    async fn fulfilment_state(&self) -> OrderFulfilmentState {
        self.details.fulfilment_state().into()
    }

    /// Why the order was cancelled, in the words of whoever cancelled it or as an English sentence of
    /// the shop. Null unless `status` is `CANCELLED`.
    async fn cancel_reason(&self) -> Option<String> {
        match &self.details.lifecycle {
            Lifecycle::Cancelled { reason, .. } => Some(reason.to_string()),
            _ => None,
        }
    }

    /// The customer who placed the order; null for a guest's order.
    async fn customer_id(&self) -> Option<ID> {
        match self.details.placed.buyer {
            domain::cart::Owner::Guest => None,
            domain::cart::Owner::Customer(customer) => Some(customer.0.into()),
        }
    }

    /// The cart that was checked out; it still shows what was ordered.
    async fn cart_id(&self) -> ID {
        self.details.placed.cart.0.into()
    }

    /// The person to write to or call. Null once the person's data was erased.
    async fn contact(&self, ctx: &Context<'_>) -> Result<Option<ContactView>> {
        let contact = decrypt::<domain::Contact>(ctx, &self.details.placed.contact).await?;
        Ok(contact.map(ContactView::from))
    }

    /// Where the goods go. Null once the person's data was erased.
    async fn shipping_address(&self, ctx: &Context<'_>) -> Result<Option<AddressView>> {
        let address =
            decrypt::<domain::Address>(ctx, &self.details.placed.shipping_address).await?;
        Ok(address.map(AddressView::from))
    }

    /// The products that were bought, at the prices charged, one line for each SKU.
    async fn lines(&self) -> Vec<Line<'_>> {
        self.details.lines.iter().map(Line).collect()
    }

    /// Sum of all lines before discount, shipping and exclusive tax.
    async fn subtotal(&self) -> Money {
        Money(self.details.placed.totals.subtotal)
    }

    /// Price of the delivery; zero if it was free.
    async fn shipping(&self) -> Money {
        Money(self.details.placed.totals.shipping)
    }

    /// Code of the coupon that was used, in upper case; null if none was.
    async fn coupon_code(&self) -> Option<&str> {
        self.details.placed.coupon.as_ref().map(CouponCode::as_str)
    }

    /// Amount that the coupon took off the subtotal; zero without a coupon.
    async fn discount(&self) -> Money {
        Money(self.details.placed.totals.discount)
    }

    /// Tax on goods and shipping together. Whether it is part of the prices or added to them is told
    /// by `taxMode`.
    async fn tax(&self) -> Money {
        Money(self.details.placed.totals.tax)
    }

    /// Tax rate in percent as a decimal string, such as `10.75`.
    async fn tax_rate(&self) -> String {
        self.details.placed.tax.rate.to_string()
    }

    /// Whether the prices of this order include tax.
    async fn tax_mode(&self) -> TaxMode {
        self.details.placed.tax.mode.into()
    }

    /// Amount that the customer pays: subtotal + shipping − discount, plus the tax if `taxMode` is
    /// `EXCLUSIVE`.
    async fn total(&self) -> Money {
        Money(self.details.total())
    }

    /// All attempts to pay for the order, the oldest first.
    async fn payments(&self, ctx: &Context<'_>) -> Result<Vec<Payment>> {
        let ids: Vec<_> = self.details.payments.keys().map(|payment| payment.0).collect();
        let rows = shop(ctx).read_models.payments_by_id(&ids).await.map_err(query_error)?;
        let mut payments: Vec<_> = rows.into_iter().filter_map(Payment::from_row).collect();
        payments.sort_by_key(|payment| payment.id);
        Ok(payments)
    }

    /// The parcels that were sent, the oldest first.
    async fn shipments(&self) -> Vec<Shipment> {
        self.details.shipments.iter().map(Shipment::from).collect()
    }

    /// Messages about the order, the newest first, at most 100. Empty for guests.
    async fn notifications(&self, ctx: &Context<'_>) -> Result<Vec<Notification>> {
        notifications::load_order_notifications(ctx, self.id).await
    }

    /// Notes that staff wrote about the order, the oldest first. Empty for everyone but staff.
    async fn notes(&self, ctx: &Context<'_>) -> Result<Vec<Note>> {
        if !caller(ctx).is_staff() {
            return Ok(vec![]);
        }
        let mut notes = vec![];
        for note in &self.details.notes {
            let text = decrypt(ctx, &note.text).await?;
            notes.push(Note { text, at: note.at });
        }
        Ok(notes)
    }

    /// Every event of the order, the oldest first. Notes of staff are left out for everyone but
    /// staff.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of this order's events, 0 to 100; 20 by default.")]
        first: Option<i32>,
        #[graphql(
            desc = "The `cursor` of the last event already seen; by default the history starts with `order.placed`."
        )]
        after: Option<String>,
    ) -> Result<EventConnection> {
        load_history(ctx, self.id.stream(), first, after).await
    }

    /// Time at which the order was placed.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.details.placed.at
    }

    /// If the order is not paid by this time, it expires and its stock can be sold to others.
    /// Starting a payment moves it, up to a limit. It has no meaning once the order is confirmed.
    async fn reserved_until(&self) -> DateTime<Utc> {
        self.details.reserved_until
    }

    /// Time at which the order was confirmed, because a payment covers it or it is paid in cash on
    /// delivery. Null before.
    async fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.details.confirmed_at
    }

    /// Time at which the last unit was delivered; null before.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.details.delivered_at
    }

    /// Time of the last change of the order, of its payments or of its delivery.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.details.updated_at
    }

    /// Grows with every event of the order. Send it as `expectedVersion` to change only what you have
    /// seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

/// A product of an order as it was bought. Later changes of the product do not show here.
#[derive(Debug, Description)]
pub struct Line<'o>(&'o OrderLine);

#[Object(name = "OrderLine", use_type_description)]
impl Line<'_> {
    /// SKU of the product that was bought.
    async fn sku(&self) -> &str {
        self.0.ordered.sku.as_str()
    }

    /// The product's name when the order was placed.
    async fn name(&self) -> &str {
        self.0.ordered.name.as_str()
    }

    /// Number of units bought, 1 to 10,000.
    async fn quantity(&self) -> u32 {
        self.0.ordered.quantity.get()
    }

    /// Price charged for one unit.
    async fn unit_price(&self) -> Money {
        Money(self.0.ordered.unit_price)
    }

    /// The `unitPrice` times the `quantity`, before discount and exclusive tax.
    async fn total(&self) -> Money {
        Money(self.0.ordered.total)
    }

    /// This line's share of the order's discount. The shares of all lines add up to it exactly.
    async fn discount(&self) -> Money {
        Money(self.0.ordered.discount)
    }

    /// Tax on the line after its discount: added to the total or included in it, by `Order.taxMode`.
    async fn tax(&self) -> Money {
        Money(self.0.ordered.tax)
    }

    /// Number of units that were shipped, delivered ones included.
    async fn shipped(&self) -> i64 {
        self.0.shipped
    }

    /// Number of units that were delivered, returned ones included.
    async fn delivered(&self) -> i64 {
        self.0.delivered
    }

    /// Number of units that the buyer wants to return and the shop has not taken back yet.
    async fn return_requested(&self) -> i64 {
        self.0.return_requested
    }

    /// Number of units that the shop has taken back.
    async fn returned(&self) -> i64 {
        self.0.returned
    }
}

/// A parcel that was sent to the buyer.
#[derive(Debug, SimpleObject)]
pub struct Shipment {
    /// The parcel's own UUID. It is not a `Node`.
    id: ID,
    /// The units in the parcel.
    lines: Vec<ShipmentLine>,
    /// Name of the company that carries the parcel; null if staff named none.
    carrier: Option<String>,
    /// Number by which the carrier tracks the parcel; null if staff named none.
    tracking_number: Option<String>,
    /// Time at which the parcel should arrive; null if staff named none.
    estimated_delivery: Option<DateTime<Utc>>,
    /// Time at which staff recorded the shipment.
    shipped_at: DateTime<Utc>,
}

/// A product in a parcel, and how many units of it.
#[derive(Debug, SimpleObject)]
pub struct ShipmentLine {
    /// SKU of the product in the parcel.
    sku: String,
    /// Number of units in the parcel, at least 1.
    quantity: u32,
}

/// A note about an order, written by staff for staff.
#[derive(Debug, SimpleObject)]
pub struct Note {
    /// What was noted; null once the buyer's data was erased.
    text: Option<String>,
    /// Time at which the note was added.
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
