//! Placing an order: the cart is checked out, the order is placed and every SKU is reserved, in one
//! append.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Changes, CheckoutError, Quote, Shortage, decide, quote};
use crate::cart::{Cart, CartCommand, CartDetails, CartError, CartLine};
use crate::coupon::{Coupon, CouponCode, CouponCommand};
use crate::inventory::{Inventory, InventoryCommand, InventoryError};
use crate::order::{Order, OrderCommand, Placed};
use crate::pricing::Charges;
use crate::product::{Offer, Product};
use crate::{CartId, Money, OrderId, Personal, Refusal, Sku, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOrder {
    pub order: OrderId,
    pub number: String,
    pub cart: CartId,
    pub contact: Personal,
    pub shipping_address: Personal,
    /// The total that the customer saw; if it has changed since, the order is refused.
    pub expected_total: Option<Money>,
    /// Tax and shipping rates for the destination.
    pub charges: Charges,
    /// How long the stock stays reserved without a payment.
    pub reserve_for: TimeDelta,
}

/// The states of one SKU: its product and its stock.
#[derive(Debug, Clone, Copy)]
pub struct SkuStates<'a> {
    pub product: &'a Product,
    pub inventory: &'a Inventory,
}

/// `coupon` is the cart's coupon, if it has one; `skus` contains every SKU of the cart.
pub fn place(
    request: &PlaceOrder,
    cart: &Cart,
    coupon: Option<&Coupon>,
    skus: &BTreeMap<Sku, SkuStates<'_>>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = orderable(cart, now)?;
    let offers = offers(details, skus)?;
    let quote = quote(details, &offers, coupon, &request.charges, now)?;
    must_be_agreed(request, details, &offers, quote.totals.total)?;

    let reserved_until = now + request.reserve_for;
    let (order, code) = (request.order, details.coupon.as_ref());
    let redeemed = redeem(order, code, coupon, quote.totals.subtotal, now)?;
    let reservations = reserve(order, details, skus, reserved_until, now)?;
    let placed = placed(request, details, quote, reserved_until, now);
    let check_out = CartCommand::CheckOut { order, offers };

    let place = OrderCommand::Place(Box::new(placed));
    let mut changes = decide(order.stream(), &Order::Absent, &place, now)?;
    changes.extend(decide(request.cart.stream(), cart, &check_out, now)?);
    changes.extend(redeemed);
    changes.extend(reservations);
    Ok(changes)
}

/// The cart's contents, if it is active and has lines.
fn orderable(cart: &Cart, now: Timestamp) -> Result<&CartDetails, CartError> {
    match cart {
        Cart::Active(_) if cart.has_lapsed(now) => Err(CartError::NotActive),
        Cart::Active(details) if details.lines.is_empty() => Err(CartError::Empty),
        Cart::Active(details) => Ok(details),
        Cart::Absent => Err(CartError::Empty),
        Cart::CheckedOut(..) | Cart::Merged(..) | Cart::Expired(_) => Err(CartError::NotActive),
    }
}

/// The order as it is stored.
fn placed(
    request: &PlaceOrder,
    cart: &CartDetails,
    Quote { lines, totals }: Quote,
    reserved_until: Timestamp,
    at: Timestamp,
) -> Placed {
    Placed {
        number: request.number.clone(),
        cart: request.cart,
        buyer: cart.owner,
        contact: request.contact.clone(),
        shipping_address: request.shipping_address.clone(),
        lines,
        totals,
        tax: request.charges.tax,
        coupon: cart.coupon.clone(),
        reserved_until,
        at,
    }
}

/// The current offers of the lines, in the order of the lines.
fn offers(
    details: &CartDetails,
    skus: &BTreeMap<Sku, SkuStates<'_>>,
) -> Result<Vec<Offer>, Refusal> {
    let absent = Product::default();
    let offer = |sku: &Sku| skus.get(sku).map_or(&absent, |states| states.product).offer(sku);
    details.lines.iter().map(|line| offer(&line.sku).map_err(Refusal::from)).collect()
}

/// Redeems the cart's coupon, if it has one.
fn redeem(
    order: OrderId,
    code: Option<&CouponCode>,
    coupon: Option<&Coupon>,
    subtotal: Money,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let (Some(code), Some(coupon)) = (code, coupon) else { return Ok(vec![]) };
    decide(code.stream(), coupon, &CouponCommand::Redeem { order, subtotal }, now)
}

/// Current prices are charged. If one of them differs from the price in the cart, the command must
/// contain the new total.
fn must_be_agreed(
    request: &PlaceOrder,
    cart: &CartDetails,
    offers: &[Offer],
    total: Money,
) -> Result<(), CheckoutError> {
    let has_cart_prices =
        cart.lines.iter().zip(offers).all(|(line, offer)| line.unit_price == offer.price);
    match request.expected_total {
        Some(expected) if expected == total => Ok(()),
        None if has_cart_prices => Ok(()),
        _ => Err(CheckoutError::PriceChanged { current: total }),
    }
}

/// Reserves the stock of every line, or refuses with every SKU whose stock is not sufficient.
fn reserve(
    order: OrderId,
    cart: &CartDetails,
    skus: &BTreeMap<Sku, SkuStates<'_>>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let absent = Inventory::default();
    let (mut changes, mut shortages) = (vec![], vec![]);
    for CartLine { sku, quantity, .. } in &cart.lines {
        let reserve = InventoryCommand::Reserve { order, quantity: *quantity, expires_at };
        let stock = skus.get(sku).map_or(&absent, |states| states.inventory);
        match decide(sku.inventory(), stock, &reserve, now) {
            Ok(reserved) => changes.extend(reserved),
            Err(Refusal::Inventory(
                InventoryError::Insufficient { .. } | InventoryError::Missing,
            )) => {
                let (wanted, available) = (quantity.units(), stock.available(now));
                shortages.push(Shortage { sku: sku.clone(), wanted, available });
            }
            Err(refusal) => return Err(refusal),
        }
    }
    if !shortages.is_empty() {
        return Err(CheckoutError::InsufficientStock(shortages).into());
    }
    Ok(changes)
}
