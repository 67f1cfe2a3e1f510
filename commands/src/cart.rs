//! Commands to a cart that read other aggregates. Prices come from the products, never from the
//! caller.

use domain::cart::{Addition, CartCommand, CartDetails, CartError, Owner};
use domain::coupon::CouponCode;
use domain::{CartId, Decide, Money, Quantity, Sku, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Adds products to a cart.
#[derive(Debug, Clone)]
pub struct AddLines {
    pub cart: CartId,
    pub owner: Owner,
    /// Used only if this command creates the cart: the cart expires after this many seconds without a
    /// change.
    pub idle_seconds: u32,
    pub lines: Vec<WantedLine>,
}

#[derive(Debug, Clone)]
pub struct WantedLine {
    pub sku: Sku,
    pub quantity: Quantity,
    /// The price that the client saw. The command is refused if the product's price is another one
    /// now.
    pub expected_unit_price: Option<Money>,
}

impl Command for AddLines {
    fn name(&self) -> &'static str {
        "cartLinesAdd"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.cart.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let cart = states.cart(self.cart)?;
        let mut lines = Vec::with_capacity(self.lines.len());
        for WantedLine { sku, quantity, expected_unit_price } in &self.lines {
            let offer = states.product(sku)?.offer(sku)?;
            let (quantity, expected_unit_price) = (*quantity, *expected_unit_price);
            lines.push(Addition { offer, quantity, expected_unit_price });
        }
        let AddLines { owner, idle_seconds, .. } = *self;
        let add = CartCommand::AddLines { owner, idle_seconds, lines };
        let events = cart.decide(&add, now)?;
        Ok(changes(self.cart.stream(), events))
    }
}

/// Applies a coupon to a cart. The coupon must be valid for the cart's lines at this time.
#[derive(Debug, Clone)]
pub struct ApplyCoupon {
    pub cart: CartId,
    pub code: CouponCode,
}

impl Command for ApplyCoupon {
    fn name(&self) -> &'static str {
        "cartCouponApply"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.cart.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let cart = states.cart(self.cart)?;
        let apply = CartCommand::ApplyCoupon { code: self.code.clone() };
        let events = cart.decide(&apply, now)?;
        let total = cart.details().and_then(CartDetails::total).ok_or(CartError::Empty)?;
        let total = total.map_err(CartError::from)?;
        states.coupon(&self.code)?.discount(total, now)?;
        Ok(changes(self.cart.stream(), events))
    }
}
