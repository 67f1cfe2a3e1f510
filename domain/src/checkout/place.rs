//! Placing an order: the cart is checked out, the order placed and every SKU reserved, at once.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Changes, CheckoutError, Quote, Shortage, events_of, quote};
use crate::cart::{Cart, CartCommand, CartDetails, CartError};
use crate::coupon::{Coupon, CouponCode, CouponCommand};
use crate::inventory::{Inventory, InventoryCommand, InventoryError};
use crate::order::{Order, OrderCommand, Placed};
use crate::pricing::Charges;
use crate::product::{Offer, Product};
use crate::{CartId, Decide, Money, OrderId, Personal, Refusal, Sku, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOrder {
    pub order: OrderId,
    pub number: String,
    pub cart: CartId,
    pub contact: Personal,
    pub shipping_address: Personal,
    /// What the customer saw; another total is refused.
    pub expected_total: Option<Money>,
    /// Tax and shipping, where the goods go.
    pub charges: Charges,
    /// How long the stock is kept for a customer who has not paid.
    pub reserve_for: TimeDelta,
}

/// What is known of a SKU: its page in the catalogue and its stock.
#[derive(Debug, Clone, Copy)]
pub struct SkuStates<'a> {
    pub product: &'a Product,
    pub inventory: &'a Inventory,
}

/// `coupon` is the cart's, if it has one; `skus` holds every SKU of the cart.
pub fn place(
    request: &PlaceOrder,
    cart: &Cart,
    coupon: Option<&Coupon>,
    skus: &BTreeMap<Sku, SkuStates<'_>>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = match cart {
        Cart::Active(details) if !cart.has_lapsed(now) => details,
        Cart::Absent => return Err(CartError::Empty.into()),
        _ => return Err(CartError::NotActive.into()),
    };
    if details.lines.is_empty() {
        return Err(CartError::Empty.into());
    }
    let offers = offers(details, skus)?;
    let Quote { lines, totals } = quote(details, &offers, coupon, &request.charges, now)?;
    agreed(request, details, &offers, totals.total)?;
    let code = details.coupon.as_ref();
    let redeemed = redeem(request.order, code, coupon, totals.subtotal, now)?;

    let reserved_until = now + request.reserve_for;
    let placed = Placed {
        number: request.number.clone(),
        cart: request.cart,
        buyer: details.owner,
        contact: request.contact.clone(),
        shipping_address: request.shipping_address.clone(),
        lines,
        totals,
        tax: request.charges.tax,
        coupon: details.coupon.clone(),
        reserved_until,
        at: now,
    };
    let reservations = reserve(request, details, skus, reserved_until, now)?;
    let check_out = CartCommand::CheckOut { order: request.order, offers };
    let place = OrderCommand::Place(Box::new(placed));

    let mut changes = vec![];
    changes.extend(events_of(request.order.stream(), Order::Absent.decide(&place, now)?));
    changes.extend(events_of(request.cart.stream(), cart.decide(&check_out, now)?));
    changes.extend(redeemed);
    changes.extend(reservations);
    Ok(changes)
}

fn offers(
    details: &CartDetails,
    skus: &BTreeMap<Sku, SkuStates<'_>>,
) -> Result<Vec<Offer>, Refusal> {
    let absent = Product::default();
    let offer = |sku: &Sku| skus.get(sku).map_or(&absent, |states| states.product).offer(sku);
    details.lines.iter().map(|line| offer(&line.sku).map_err(Refusal::from)).collect()
}

/// Uses the cart's coupon once more.
fn redeem(
    order: OrderId,
    code: Option<&CouponCode>,
    coupon: Option<&Coupon>,
    subtotal: Money,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let (Some(code), Some(coupon)) = (code, coupon) else { return Ok(vec![]) };
    let events = coupon.decide(&CouponCommand::Redeem { order, subtotal }, now)?;
    Ok(events_of(code.stream(), events).collect())
}

/// Present prices are charged; where they are not the captured ones, only a customer who named
/// the new total has agreed to them.
fn agreed(
    request: &PlaceOrder,
    details: &CartDetails,
    offers: &[Offer],
    total: Money,
) -> Result<(), CheckoutError> {
    let as_captured =
        details.lines.iter().zip(offers).all(|(line, offer)| line.unit_price == offer.price);
    match request.expected_total {
        Some(expected) if expected == total => Ok(()),
        None if as_captured => Ok(()),
        _ => Err(CheckoutError::PriceChanged { current: total }),
    }
}

/// Reserves every line, or names every SKU that is short.
fn reserve(
    request: &PlaceOrder,
    details: &CartDetails,
    skus: &BTreeMap<Sku, SkuStates<'_>>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let absent = Inventory::default();
    let (mut changes, mut shortages) = (vec![], vec![]);
    for line in &details.lines {
        let (order, quantity) = (request.order, line.quantity);
        let reserve = InventoryCommand::Reserve { order, quantity, expires_at };
        let inventory = skus.get(&line.sku).map_or(&absent, |states| states.inventory);
        match inventory.decide(&reserve, now) {
            Ok(events) => changes.extend(events_of(line.sku.inventory(), events)),
            Err(InventoryError::Insufficient { .. } | InventoryError::Missing) => {
                shortages.push(Shortage {
                    sku: line.sku.clone(),
                    wanted: quantity.units(),
                    available: inventory.available(now),
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !shortages.is_empty() {
        return Err(CheckoutError::InsufficientStock(shortages).into());
    }
    Ok(changes)
}
