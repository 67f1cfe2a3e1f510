//! A cart as a client sees it.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::CartId;
use domain::cart::{Cart as State, CartDetails, Owner};
use domain::coupon::CouponCode;
use uuid::Uuid;

use super::estimate::{CartEstimate, estimate};
use crate::graphql::errors::query_fault;
use crate::graphql::money::Money;
use crate::graphql::products::Product;
use crate::graphql::shop::shop;

/// What somebody means to buy.
#[derive(Debug, Description)]
pub struct Cart {
    pub(super) id: CartId,
    version: i32,
    status: CartStatus,
    details: CartDetails,
    pub(super) order: Option<Uuid>,
}

/// Where a cart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CartStatus {
    /// It can be edited and checked out.
    Active,
    /// An order was placed with it.
    CheckedOut,
    /// Its lines went into a customer's cart.
    Merged,
    /// It was idle for too long; the next touch begins it anew.
    Expired,
}

impl Cart {
    pub fn new(id: CartId, version: i32, state: State) -> Option<Self> {
        let has_lapsed = state.has_lapsed(Utc::now());
        let (status, details, order) = match state {
            State::Absent => return None,
            State::Active(details) if has_lapsed => (CartStatus::Expired, details, None),
            State::Active(details) => (CartStatus::Active, details, None),
            State::CheckedOut(details, order) => (CartStatus::CheckedOut, details, Some(order.0)),
            State::Merged(details, _) => (CartStatus::Merged, details, None),
            State::Expired(details) => (CartStatus::Expired, details, None),
        };
        Some(Cart { id, version, status, details, order })
    }

    pub fn owner(&self) -> Owner {
        self.details.owner
    }
}

#[Object(use_type_description)]
impl Cart {
    /// The cart's id.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// Where it stands.
    async fn status(&self) -> CartStatus {
        self.status
    }

    /// What is in it; a SKU has one line.
    async fn lines(&self) -> Vec<CartLine<'_>> {
        self.details.lines.iter().map(CartLine).collect()
    }

    /// The units of all lines.
    async fn item_count(&self) -> i64 {
        self.details.lines.iter().map(|line| line.quantity.units()).sum()
    }

    /// The sum of the lines at captured prices, without shipping, discounts and tax; nothing for an
    /// empty cart, which has no currency.
    async fn total(&self) -> Option<Money> {
        self.details.total().and_then(Result::ok).map(Money)
    }

    /// The coupon in it, by its code.
    async fn coupon_code(&self) -> Option<&str> {
        self.details.coupon.as_ref().map(CouponCode::as_str)
    }

    /// What an order would cost now; nothing for an empty cart, or one with something in it that is
    /// no longer sold.
    async fn estimate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where the goods are to go, as in the shipping address.")] country: String,
    ) -> Result<Option<CartEstimate>> {
        estimate(ctx, &self.details, &country).await
    }

    /// The customer, unless it is a guest's.
    async fn customer_id(&self) -> Option<ID> {
        match self.details.owner {
            Owner::Guest => None,
            Owner::Customer(customer) => Some(customer.0.into()),
        }
    }

    /// The order that was placed with it.
    async fn order_id(&self) -> Option<ID> {
        self.order.map(ID::from)
    }

    /// When its first line came in, or it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.details.created_at
    }

    /// When it was last touched.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.details.touched_at
    }

    /// When it expires, unless it is touched before.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        (self.status == CartStatus::Active).then(|| self.details.expires_at())
    }

    /// Grows with every event; name it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

/// So many of one product.
#[derive(Debug, Description)]
pub struct CartLine<'c>(&'c domain::cart::CartLine);

#[Object(use_type_description)]
impl CartLine<'_> {
    /// The product's SKU.
    async fn sku(&self) -> &str {
        self.0.sku.as_str()
    }

    /// How many.
    async fn quantity(&self) -> u32 {
        self.0.quantity.get()
    }

    /// What one cost when it was put into the cart.
    async fn unit_price(&self) -> Money {
        Money(self.0.unit_price)
    }

    /// What one costs now; nothing, when it is no longer sold. Checkout charges this.
    async fn current_unit_price(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let row = shop(ctx).read_models.product(&self.0.sku).await.map_err(query_fault)?;
        let offer = row.and_then(|row| row.state.offer(&self.0.sku).ok());
        Ok(offer.map(|offer| Money(offer.price)))
    }

    /// The line's total at the captured price.
    async fn total(&self) -> Option<Money> {
        self.0.total().ok().map(Money)
    }

    /// The product.
    async fn product(&self, ctx: &Context<'_>) -> Result<Option<Product>> {
        let row = shop(ctx).read_models.product(&self.0.sku).await.map_err(query_fault)?;
        Ok(row.and_then(|row| Product::new(row.version, row.state)))
    }
}
