//! The type `Order`.

use async_graphql::{Context, Description, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::OrderId;
use domain::coupon::CouponCode;
use domain::order::{self, Lifecycle, OrderDetails};

use super::parts::{Line, Note, Shipment};
use super::states::{OrderFulfilmentState, OrderPaymentState, OrderStatus, TaxMode};
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
