//! Merging carts on login: what a guest has gathered goes into the customer's cart.

use super::{Changes, events_of};
use crate::cart::{Addition, Cart, CartCommand, CartError, Owner};
use crate::product::Product;
use crate::{CartId, CustomerId, Decide, Refusal, Sku, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeCarts {
    pub guest: CartId,
    /// The customer's present cart, which begins with it where there was none.
    pub into: CartId,
    pub customer: CustomerId,
    /// Of the customer's cart, where it begins with this.
    pub idle_seconds: u32,
}

/// Quantities add up, at present prices; what is no longer sold stays behind, and a coupon comes
/// along where there was none.  Merging twice changes nothing.
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
    let offered = details.lines.iter().filter_map(|line| {
        let offer = product(&line.sku)?.offer(&line.sku).ok()?;
        Some(Addition { offer, quantity: line.quantity, expected_unit_price: None })
    });
    let (owner, lines) = (Owner::Customer(customer), offered.collect());
    let mut added = own.decide(&CartCommand::AddLines { owner, idle_seconds, lines }, now)?;
    let own = after(own, &added);
    if let Some(code) = &details.coupon
        && own.details().is_none_or(|own| own.coupon.is_none())
    {
        added.extend(own.decide(&CartCommand::ApplyCoupon { code: code.clone() }, now)?);
    }
    let mut changes: Changes = events_of(into.stream(), added).collect();
    changes.extend(events_of(request.guest.stream(), ended));
    Ok(changes)
}

fn after(cart: &Cart, events: &[crate::cart::CartEvent]) -> Cart {
    let mut cart = cart.clone();
    events.iter().cloned().for_each(|event| cqrs_es::Aggregate::apply(&mut cart, event));
    cart
}
