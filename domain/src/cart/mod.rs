//! A cart, from its first line to checkout. Read `event.rs`, `command.rs`, `details.rs`, then this
//! file and `lines.rs`, which has the rules about lines.

mod command;
mod details;
mod event;
mod lines;
#[cfg(test)]
mod tests;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{Addition, CartCommand, CartError, MAX_LINES};
pub use self::details::{CartDetails, CartLine};
pub use self::event::{CartEvent, Owner};
use crate::coupon::CouponCode;
use crate::decide::handle;
use crate::{CartId, CustomerId, Decide, OrderId, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Cart {
    #[default]
    Absent,
    Active(CartDetails),
    CheckedOut(CartDetails, OrderId),
    Merged(CartDetails, CartId),
    /// It was idle for too long. The next command that creates a cart starts it again, empty.
    Expired(CartDetails),
}

/// The events of a decision, or why it is refused.
type Decision = Result<Vec<CartEvent>, CartError>;

impl Cart {
    pub fn details(&self) -> Option<&CartDetails> {
        match self {
            Cart::Absent => None,
            Cart::Active(details)
            | Cart::CheckedOut(details, _)
            | Cart::Merged(details, _)
            | Cart::Expired(details) => Some(details),
        }
    }

    /// Whether the cart was checked out or merged, and so can never be changed again.
    pub fn has_ended(&self) -> bool {
        matches!(self, Cart::CheckedOut(..) | Cart::Merged(..))
    }

    /// Whether the cart was idle for too long, even if no event has recorded that yet.
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        matches!(self, Cart::Active(details) if details.expires_at() <= now)
    }
}

impl Decide for Cart {
    /// All the rules of a cart.
    fn decide(&self, command: &CartCommand, at: Timestamp) -> Decision {
        match (self, command) {
            (cart, command) if cart.has_lapsed(at) => expire_and_decide(cart, command, at),
            (Cart::Absent | Cart::Expired(_), command) => create(command, at),
            (Cart::Active(details), command) => details.decide(command, at),
            (Cart::CheckedOut(..) | Cart::Merged(..), CartCommand::Expire) => Ok(vec![]),
            (Cart::Merged(_, into), CartCommand::MergeInto { cart, .. }) if into == cart => {
                Ok(vec![])
            }
            (Cart::CheckedOut(..) | Cart::Merged(..), _) => Err(CartError::NotActive),
        }
    }
}

/// A command that arrives after the cart's expiry expires the cart first, and is then decided on
/// the expired cart.
fn expire_and_decide(cart: &Cart, command: &CartCommand, at: Timestamp) -> Decision {
    let mut cart = cart.clone();
    cart.end(Cart::Expired);
    let mut events = vec![CartEvent::Expired { at }];
    events.extend(cart.decide(command, at)?);
    Ok(events)
}

/// Decides a command when there is no cart, or an expired one; some commands create one.
fn create(command: &CartCommand, at: Timestamp) -> Decision {
    match command {
        CartCommand::Create { owner, idle_seconds } => {
            Ok(vec![CartEvent::Created { owner: *owner, idle_seconds: *idle_seconds, at }])
        }
        CartCommand::AddLines { owner, idle_seconds, lines } => {
            create_with_lines(*owner, *idle_seconds, lines, at)
        }
        CartCommand::Expire => Ok(vec![]),
        _ => Err(CartError::NotActive),
    }
}

fn create_with_lines(
    owner: Owner,
    idle_seconds: u32,
    lines: &[Addition],
    at: Timestamp,
) -> Decision {
    let mut events = vec![CartEvent::Created { owner, idle_seconds, at }];
    events.extend(CartDetails::new(owner, idle_seconds, at).add_lines(lines, at)?);
    Ok(events)
}

impl CartDetails {
    fn decide(&self, command: &CartCommand, at: Timestamp) -> Decision {
        match command {
            // The cart exists, and has not been idle for too long.
            CartCommand::Create { .. } | CartCommand::Expire => Ok(vec![]),
            CartCommand::AddLines { lines, .. } => self.add_lines(lines, at),
            CartCommand::UpdateLines { lines } => self.update_lines(lines, at),
            CartCommand::RemoveLines { skus } => self.remove_lines(skus, at),
            CartCommand::Clear => Ok(self.clear(at)),
            CartCommand::ApplyCoupon { code } => Ok(self.apply_coupon(code, at)),
            CartCommand::RemoveCoupon => Ok(self.remove_coupon(at)),
            CartCommand::MergeInto { cart, customer } => Ok(merge_into(*cart, *customer, at)),
            CartCommand::CheckOut { order, offers } => self.check_out(*order, offers, at),
        }
    }

    fn clear(&self, at: Timestamp) -> Vec<CartEvent> {
        if self.lines.is_empty() { vec![] } else { vec![CartEvent::Cleared { at }] }
    }

    fn apply_coupon(&self, code: &CouponCode, at: Timestamp) -> Vec<CartEvent> {
        if self.coupon.as_ref() == Some(code) {
            return vec![];
        }
        vec![CartEvent::CouponApplied { code: code.clone(), at }]
    }

    fn remove_coupon(&self, at: Timestamp) -> Vec<CartEvent> {
        let removed = |code: &CouponCode| CartEvent::CouponRemoved { code: code.clone(), at };
        self.coupon.iter().map(removed).collect()
    }
}

fn merge_into(into: CartId, customer: CustomerId, at: Timestamp) -> Vec<CartEvent> {
    vec![CartEvent::Assigned { customer, at }, CartEvent::Merged { into, at }]
}

impl Aggregate for Cart {
    const TYPE: &'static str = "cart";
    type Command = CartCommand;
    type Event = CartEvent;
    type Error = CartError;
    type Services = Timestamp;

    async fn handle(
        &mut self,
        command: CartCommand,
        now: &Timestamp,
        sink: &EventSink<Self>,
    ) -> Result<(), CartError> {
        handle(self, &command, *now, sink).await
    }

    fn apply(&mut self, event: CartEvent) {
        if let Cart::Active(details) = self {
            details.apply(&event);
        }
        match event {
            CartEvent::Created { owner, idle_seconds, at } => {
                *self = Cart::Active(CartDetails::new(owner, idle_seconds, at));
            }
            CartEvent::CheckedOut { order, .. } => {
                self.end(|details| Cart::CheckedOut(details, order));
            }
            CartEvent::Merged { into, .. } => self.end(|details| Cart::Merged(details, into)),
            CartEvent::Expired { .. } => self.end(Cart::Expired),
            // All other events change only the details.
            _ => {}
        }
    }
}

impl Cart {
    /// Only an active cart can end.
    fn end(&mut self, ended: impl FnOnce(CartDetails) -> Cart) {
        *self = match std::mem::take(self) {
            Cart::Active(details) => ended(details),
            other => other,
        };
    }
}
