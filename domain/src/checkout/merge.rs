//! Merging carts on login: the lines of a guest's cart are added to the customer's cart.

use cqrs_es::Aggregate;

use super::{Changes, with_stream};
use crate::cart::{Addition, Cart, CartCommand, CartDetails, CartError, CartEvent, Owner};
use crate::product::Product;
use crate::{CartId, CustomerId, Decide, Refusal, Sku, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeCarts {
    pub guest: CartId,
    /// The customer's current cart; it is created if there is none.
    pub into: CartId,
    pub customer: CustomerId,
    /// Used only if this creates the customer's cart; see [`CartEvent::Created`].
    pub idle_seconds: u32,
}

/// Quantities are added up, at current prices. Products that are no longer sold are left out. The
/// guest's coupon is applied if the customer's cart has none. Merging twice changes nothing.
pub fn merge<'p>(
    request: &MergeCarts,
    guest: &Cart,
    own: &Cart,
    product: impl Fn(&Sku) -> Option<&'p Product>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let MergeCarts { into, customer, idle_seconds, .. } = *request;
    let end = CartCommand::MergeInto { cart: into, customer };
    let ended = guest.decide(&end, now)?;
    let Cart::Active(details) = guest else { return Ok(vec![]) };
    if details.owner != Owner::Guest {
        return Err(CartError::NotActive.into());
    }
    let (owner, lines) = (Owner::Customer(customer), additions(details, product));
    let mut added = own.decide(&CartCommand::AddLines { owner, idle_seconds, lines }, now)?;
    let own = after(own, &added);
    if let Some(code) = &details.coupon
        && own.details().is_none_or(|own| own.coupon.is_none())
    {
        added.extend(own.decide(&CartCommand::ApplyCoupon { code: code.clone() }, now)?);
    }
    let mut changes = with_stream(into.stream(), added);
    changes.extend(with_stream(request.guest.stream(), ended));
    Ok(changes)
}

/// The lines whose products are still sold.
fn additions<'p>(
    guest: &CartDetails,
    product: impl Fn(&Sku) -> Option<&'p Product>,
) -> Vec<Addition> {
    let addition = |sku: &Sku, quantity| {
        let offer = product(sku)?.offer(sku).ok()?;
        Some(Addition { offer, quantity, expected_unit_price: None })
    };
    guest.lines.iter().filter_map(|line| addition(&line.sku, line.quantity)).collect()
}

fn after(cart: &Cart, events: &[CartEvent]) -> Cart {
    let mut cart = cart.clone();
    events.iter().cloned().for_each(|event| cart.apply(event));
    cart
}
