//! The type `Cart` and its lines.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::CartId;
use domain::cart::{Cart as State, CartDetails, Owner};
use domain::coupon::CouponCode;
use uuid::Uuid;

use super::estimate::{CartEstimate, load_estimate};
use crate::graphql::errors::query_error;
use crate::graphql::money::Money;
use crate::graphql::products::Product;
use crate::graphql::shop::shop;

/// A shopping cart. A customer has one current cart; when it is checked out, the next one begins by
/// itself. A guest's cart is reached by its token, see `cartCreate`.
#[derive(Debug, Description)]
pub struct Cart {
    pub(super) id: CartId,
    version: i32,
    status: CartStatus,
    details: CartDetails,
    pub(super) order: Option<Uuid>,
}

/// Whether a cart can be changed, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CartStatus {
    /// The cart can be changed and checked out.
    Active,
    /// An order was placed with the cart; `Cart.orderId` names it. It never changes again.
    CheckedOut,
    /// The lines of this guest's cart were moved into a customer's cart by `cartMerge`. It never
    /// changes again.
    Merged,
    /// The cart was not changed for too long. The next `cartLinesAdd` or `cartCreate` begins it anew,
    /// without its old lines.
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
    /// The cart's UUID; guests and customers rarely need it, since their own cart is the default.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// Whether the cart can still be changed, or how it ended.
    async fn status(&self) -> CartStatus {
        self.status
    }

    /// The products in the cart, in the order in which they were added. Each SKU has one line.
    async fn lines(&self) -> Vec<CartLine<'_>> {
        self.details.lines.iter().map(CartLine).collect()
    }

    /// Number of units in all lines together.
    async fn item_count(&self) -> i64 {
        self.details.lines.iter().map(|line| line.quantity.units()).sum()
    }

    /// Sum of all lines at the prices captured when they were added, without shipping, discount and
    /// tax. Null if the cart is empty. See `estimate` for what an order would cost.
    async fn total(&self) -> Option<Money> {
        self.details.total().and_then(Result::ok).map(Money)
    }

    /// Code of the coupon that the next order will use, in upper case; null if there is none.
    async fn coupon_code(&self) -> Option<&str> {
        self.details.coupon.as_ref().map(CouponCode::as_str)
    }

    /// What an order for this cart would cost now, at current prices. Null if the cart is empty or
    /// one of its products is discontinued.
    async fn estimate(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Country to which the order would be sent, written as in `AddressInput.country`; it decides the tax rate."
        )]
        country: String,
    ) -> Result<Option<CartEstimate>> {
        load_estimate(ctx, &self.details, &country).await
    }

    /// The customer who owns the cart; null for a guest's cart.
    async fn customer_id(&self) -> Option<ID> {
        match self.details.owner {
            Owner::Guest => None,
            Owner::Customer(customer) => Some(customer.0.into()),
        }
    }

    /// The order that was placed with this cart; null unless `status` is `CHECKED_OUT`.
    async fn order_id(&self) -> Option<ID> {
        self.order.map(ID::from)
    }

    /// Time at which the cart began, by `cartCreate` or by its first product.
    async fn created_at(&self) -> DateTime<Utc> {
        self.details.created_at
    }

    /// Time of the last change to the cart. The idle time until it expires counts from here.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.details.touched_at
    }

    /// Time at which the cart expires if it is not changed before: by default 7 days after the last
    /// change. Null unless `status` is `ACTIVE`.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        (self.status == CartStatus::Active).then(|| self.details.expires_at())
    }

    /// Grows with every change of the cart. Send it as `expectedVersion` to change only what you have
    /// seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

/// A product in a cart, with the number of units wanted.
#[derive(Debug, Description)]
pub struct CartLine<'c>(&'c domain::cart::CartLine);

#[Object(use_type_description)]
impl CartLine<'_> {
    /// SKU of the product in this line.
    async fn sku(&self) -> &str {
        self.0.sku.as_str()
    }

    /// Number of units wanted, 1 to 10,000.
    async fn quantity(&self) -> u32 {
        self.0.quantity.get()
    }

    /// Price of one unit, captured when the product was last added to the cart. It is not what
    /// checkout charges: see `currentUnitPrice`.
    async fn unit_price(&self) -> Money {
        Money(self.0.unit_price)
    }

    /// Price of one unit in the catalogue now, which is what checkout charges. Null if the product is
    /// discontinued.
    async fn current_unit_price(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let row = shop(ctx).read_models.product(&self.0.sku).await.map_err(query_error)?;
        let offer = row.and_then(|row| row.state.offer(&self.0.sku).ok());
        Ok(offer.map(|offer| Money(offer.price)))
    }

    /// The `unitPrice` times the `quantity`, before shipping, discount and tax. Null only if it
    /// exceeds 64 bits.
    async fn total(&self) -> Option<Money> {
        self.0.total().ok().map(Money)
    }

    /// The product's current page in the catalogue; it exists for discontinued products too.
    async fn product(&self, ctx: &Context<'_>) -> Result<Option<Product>> {
        let row = shop(ctx).read_models.product(&self.0.sku).await.map_err(query_error)?;
        Ok(row.and_then(|row| Product::new(row.version, row.state)))
    }
}
