//! Placing an order: the cart is checked out, the order placed and every SKU reserved, at once.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Changes, CheckoutError, Shortage, events_of};
use crate::cart::{Basket, Cart, CartCommand, CartError};
use crate::inventory::{Inventory, InventoryCommand, InventoryError};
use crate::order::{Order, OrderCommand, Placed, PlacedLine, Totals};
use crate::product::{Offer, Product};
use crate::{CartId, Decide, Money, MoneyError, OrderId, Personal, Refusal, Sku, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOrder {
    pub order: OrderId,
    pub number: String,
    pub cart: CartId,
    pub contact: Personal,
    pub shipping_address: Personal,
    /// What the customer saw; another total is refused.
    pub expected_total: Option<Money>,
    /// How long the stock is kept for a customer who has not paid.
    pub reserve_for: TimeDelta,
}

/// What is known of a SKU: its page in the catalogue and its stock.
#[derive(Debug, Clone, Copy)]
pub struct Shelf<'a> {
    pub product: &'a Product,
    pub inventory: &'a Inventory,
}

/// `shelves` holds every SKU of the cart.
pub fn place(
    request: &PlaceOrder,
    cart: &Cart,
    shelves: &BTreeMap<Sku, Shelf<'_>>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let basket = match cart {
        Cart::Active(basket) => basket,
        Cart::Absent => return Err(CartError::Empty.into()),
        _ => return Err(CartError::NotActive.into()),
    };
    if basket.lines.is_empty() {
        return Err(CartError::Empty.into());
    }
    let offers = offers(basket, shelves)?;
    let lines = price(basket, &offers)?;
    let totals = total(&lines)?;
    agreed(request, basket, &offers, totals.total)?;

    let reserved_until = now + request.reserve_for;
    let placed = Placed {
        number: request.number.clone(),
        cart: request.cart,
        buyer: basket.owner,
        contact: request.contact.clone(),
        shipping_address: request.shipping_address.clone(),
        lines,
        totals,
        reserved_until,
        at: now,
    };
    let reservations = reserve(request, basket, shelves, reserved_until, now)?;
    let check_out = CartCommand::CheckOut { order: request.order, offers };
    let place = OrderCommand::Place(Box::new(placed));

    let mut changes = vec![];
    changes.extend(events_of(request.order.stream(), Order::Absent.decide(&place, now)?));
    changes.extend(events_of(request.cart.stream(), cart.decide(&check_out, now)?));
    changes.extend(reservations);
    Ok(changes)
}

fn offers(basket: &Basket, shelves: &BTreeMap<Sku, Shelf<'_>>) -> Result<Vec<Offer>, Refusal> {
    let absent = Product::default();
    let offer = |sku: &Sku| shelves.get(sku).map_or(&absent, |shelf| shelf.product).offer(sku);
    basket.lines.iter().map(|line| offer(&line.sku).map_err(Refusal::from)).collect()
}

/// The lines at present prices.
fn price(basket: &Basket, offers: &[Offer]) -> Result<Vec<PlacedLine>, CheckoutError> {
    let priced = basket.lines.iter().zip(offers).map(|(line, offer)| {
        let nothing = Money::zero(offer.price.currency);
        Ok(PlacedLine {
            sku: line.sku.clone(),
            name: offer.name.clone(),
            quantity: line.quantity,
            unit_price: offer.price,
            total: offer.price.times(line.quantity)?,
            discount: nothing,
            tax: nothing,
        })
    });
    priced.collect::<Result<_, MoneyError>>().map_err(CheckoutError::from)
}

fn total(lines: &[PlacedLine]) -> Result<Totals, CheckoutError> {
    let nothing = Money::zero(lines[0].total.currency);
    let sum = |part: fn(&PlacedLine) -> Money| {
        lines.iter().try_fold(nothing, |sum, line| sum.plus(part(line)))
    };
    let (subtotal, discount, tax) =
        (sum(|line| line.total)?, sum(|line| line.discount)?, sum(|line| line.tax)?);
    let shipping = nothing;
    let total = subtotal.plus(shipping)?.minus(discount)?.plus(tax)?;
    Ok(Totals { subtotal, shipping, discount, tax, total })
}

/// Present prices are charged; where they are not the captured ones, only a customer who named
/// the new total has agreed to them.
fn agreed(
    request: &PlaceOrder,
    basket: &Basket,
    offers: &[Offer],
    total: Money,
) -> Result<(), CheckoutError> {
    let as_captured =
        basket.lines.iter().zip(offers).all(|(line, offer)| line.unit_price == offer.price);
    match request.expected_total {
        Some(expected) if expected == total => Ok(()),
        None if as_captured => Ok(()),
        _ => Err(CheckoutError::PriceChanged { current: total }),
    }
}

/// Reserves every line, or names every SKU that is short.
fn reserve(
    request: &PlaceOrder,
    basket: &Basket,
    shelves: &BTreeMap<Sku, Shelf<'_>>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let absent = Inventory::default();
    let (mut changes, mut shortages) = (vec![], vec![]);
    for line in &basket.lines {
        let (order, quantity) = (request.order, line.quantity);
        let reserve = InventoryCommand::Reserve { order, quantity, expires_at };
        let inventory = shelves.get(&line.sku).map_or(&absent, |shelf| shelf.inventory);
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
