//! A cart, from its first line to checkout. Read `event.rs`, `command.rs`, then this file.

mod command;
mod event;
#[cfg(test)]
mod tests;

use chrono::TimeDelta;
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{Addition, CartCommand, CartError};
pub use self::event::{CartEvent, Owner};
use crate::coupon::CouponCode;
use crate::decide::handle;
use crate::product::Offer;
use crate::{CartId, Currency, Decide, Money, MoneyError, OrderId, Quantity, Sku, Timestamp};

/// The most lines a cart may have.
pub const MAX_LINES: usize = 250;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Cart {
    #[default]
    Absent,
    Active(CartDetails),
    CheckedOut(CartDetails, OrderId),
    Merged(CartDetails, CartId),
    /// Idle for too long; the next touch begins it anew, empty.
    Expired(CartDetails),
}

/// What is in a cart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CartDetails {
    pub owner: Owner,
    pub lines: Vec<CartLine>,
    /// At most one.
    pub coupon: Option<CouponCode>,
    /// Seconds without a touch after which it expires.
    pub idle_seconds: u32,
    pub created_at: Timestamp,
    pub touched_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CartLine {
    pub sku: Sku,
    pub quantity: Quantity,
    /// The price when the line was added.
    pub unit_price: Money,
}

impl CartLine {
    pub fn total(&self) -> Result<Money, MoneyError> {
        self.unit_price.times(self.quantity)
    }
}

impl CartDetails {
    fn new(owner: Owner, idle_seconds: u32, at: Timestamp) -> Self {
        let (lines, coupon) = (vec![], None);
        CartDetails { owner, lines, coupon, idle_seconds, created_at: at, touched_at: at }
    }

    /// Unless it is touched before.
    pub fn expires_at(&self) -> Timestamp {
        self.touched_at + TimeDelta::seconds(self.idle_seconds.into())
    }

    pub fn line(&self, sku: &Sku) -> Option<&CartLine> {
        self.lines.iter().find(|line| line.sku == *sku)
    }

    pub fn currency(&self) -> Option<Currency> {
        self.lines.first().map(|line| line.unit_price.currency)
    }

    /// The sum of the lines at captured prices; `None` for an empty cart, which has no currency.
    pub fn total(&self) -> Option<Result<Money, MoneyError>> {
        let currency = self.currency()?;
        let add = |sum: Money, line: &CartLine| sum.plus(line.total()?);
        Some(self.lines.iter().try_fold(Money::zero(currency), add))
    }
}

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

    /// Checked out or merged: it will never be edited again.
    pub fn has_ended(&self) -> bool {
        matches!(self, Cart::CheckedOut(..) | Cart::Merged(..))
    }

    /// It was not touched for too long, whether or not that has been recorded.
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        matches!(self, Cart::Active(details) if details.expires_at() <= now)
    }

    fn active(&self) -> Result<&CartDetails, CartError> {
        match self {
            Cart::Active(details) => Ok(details),
            _ => Err(CartError::NotActive),
        }
    }
}

impl Decide for Cart {
    /// All the rules of a cart.
    fn decide(&self, command: &CartCommand, at: Timestamp) -> Result<Vec<CartEvent>, CartError> {
        if self.has_lapsed(at) {
            return expire_and(self, command, at);
        }
        match (self, command) {
            (Cart::Absent | Cart::Expired(_), CartCommand::Create { owner, idle_seconds }) => {
                Ok(vec![created(*owner, *idle_seconds, at)])
            }
            (Cart::Active(_), CartCommand::Create { .. }) => Ok(vec![]),
            (
                Cart::Absent | Cart::Expired(_),
                CartCommand::AddLines { owner, idle_seconds, lines },
            ) => {
                let mut events = vec![created(*owner, *idle_seconds, at)];
                events.extend(add_lines(&CartDetails::new(*owner, *idle_seconds, at), lines, at)?);
                Ok(events)
            }
            (Cart::Active(details), CartCommand::AddLines { lines, .. }) => {
                add_lines(details, lines, at)
            }
            (cart, CartCommand::UpdateLines { lines }) => update_lines(cart.active()?, lines, at),
            (cart, CartCommand::RemoveLines { skus }) => remove_lines(cart.active()?, skus, at),
            (cart, CartCommand::Clear) if cart.active()?.lines.is_empty() => Ok(vec![]),
            (_, CartCommand::Clear) => Ok(vec![CartEvent::Cleared { at }]),
            (cart, CartCommand::ApplyCoupon { code }) => Ok(match &cart.active()?.coupon {
                Some(applied) if applied == code => vec![],
                _ => vec![CartEvent::CouponApplied { code: code.clone(), at }],
            }),
            (cart, CartCommand::RemoveCoupon) => Ok(match &cart.active()?.coupon {
                Some(code) => vec![CartEvent::CouponRemoved { code: code.clone(), at }],
                None => vec![],
            }),
            (Cart::Merged(_, into), CartCommand::MergeInto { cart, .. }) if into == cart => {
                Ok(vec![])
            }
            (cart, CartCommand::MergeInto { cart: into, customer }) => {
                cart.active()?;
                let (into, customer) = (*into, *customer);
                Ok(vec![CartEvent::Assigned { customer, at }, CartEvent::Merged { into, at }])
            }
            (_, CartCommand::Expire) => Ok(vec![]),
            (cart, CartCommand::CheckOut { order, offers }) => {
                check_out(cart.active()?, *order, offers, at)
            }
            (_, CartCommand::Create { .. } | CartCommand::AddLines { .. }) => {
                Err(CartError::NotActive)
            }
        }
    }
}

/// Whoever comes too late finds it expired, and what they asked is decided on that.
fn expire_and(
    cart: &Cart,
    command: &CartCommand,
    at: Timestamp,
) -> Result<Vec<CartEvent>, CartError> {
    let mut cart = cart.clone();
    cart.end(Cart::Expired);
    let mut events = vec![CartEvent::Expired { at }];
    events.extend(cart.decide(command, at)?);
    Ok(events)
}

fn created(owner: Owner, idle_seconds: u32, at: Timestamp) -> CartEvent {
    CartEvent::Created { owner, idle_seconds, at }
}

/// The same SKU twice is one line, whether it was there before or is named twice at once.
fn add_lines(
    details: &CartDetails,
    additions: &[Addition],
    at: Timestamp,
) -> Result<Vec<CartEvent>, CartError> {
    let mut details = details.clone();
    let mut events = Vec::with_capacity(additions.len());
    for Addition { offer, quantity, expected_unit_price } in additions {
        let Offer { sku, price, .. } = offer;
        if let Some(cart) = details.currency().filter(|c| *c != price.currency) {
            return Err(CartError::CurrencyMismatch { cart, product: price.currency });
        }
        if expected_unit_price.is_some_and(|expected| expected != *price) {
            return Err(CartError::PriceChanged { sku: sku.clone(), current: *price });
        }
        let added = events.len();
        match details.line(sku) {
            Some(line) => {
                let wanted = line.quantity.units() + quantity.units();
                let quantity = Quantity::new(wanted)
                    .map_err(|_| CartError::TooManyUnits { sku: sku.clone(), wanted })?;
                events.push(CartEvent::LineQuantityChanged { sku: sku.clone(), quantity, at });
                if line.unit_price != *price {
                    let unit_price = *price;
                    events.push(CartEvent::LineRepriced { sku: sku.clone(), unit_price, at });
                }
            }
            None if details.lines.len() >= MAX_LINES => return Err(CartError::TooManyLines),
            None => events.push(CartEvent::LineAdded {
                sku: sku.clone(),
                quantity: *quantity,
                unit_price: *price,
                at,
            }),
        }
        events[added..].iter().for_each(|event| details.apply(event));
    }
    details.total().transpose()?;
    Ok(events)
}

fn update_lines(
    details: &CartDetails,
    lines: &[(Sku, Option<Quantity>)],
    at: Timestamp,
) -> Result<Vec<CartEvent>, CartError> {
    let mut updated = details.clone();
    let mut events = Vec::with_capacity(lines.len());
    for (sku, quantity) in lines {
        let line = updated.line(sku).ok_or_else(|| CartError::LineNotFound(sku.clone()))?;
        let event = match *quantity {
            Some(quantity) if quantity == line.quantity => continue,
            Some(quantity) => CartEvent::LineQuantityChanged { sku: sku.clone(), quantity, at },
            None => CartEvent::LineRemoved { sku: sku.clone(), at },
        };
        updated.apply(&event);
        events.push(event);
    }
    updated.total().transpose()?;
    Ok(events)
}

fn remove_lines(
    details: &CartDetails,
    skus: &[Sku],
    at: Timestamp,
) -> Result<Vec<CartEvent>, CartError> {
    let mut remaining = details.clone();
    let mut events = Vec::with_capacity(skus.len());
    for sku in skus {
        if remaining.line(sku).is_none() {
            return Err(CartError::LineNotFound(sku.clone()));
        }
        let event = CartEvent::LineRemoved { sku: sku.clone(), at };
        remaining.apply(&event);
        events.push(event);
    }
    Ok(events)
}

fn check_out(
    details: &CartDetails,
    order: OrderId,
    offers: &[Offer],
    at: Timestamp,
) -> Result<Vec<CartEvent>, CartError> {
    if details.lines.is_empty() {
        return Err(CartError::Empty);
    }
    let mut events: Vec<_> = offers
        .iter()
        .filter(|offer| details.line(&offer.sku).is_some_and(|l| l.unit_price != offer.price))
        .map(|offer| CartEvent::LineRepriced {
            sku: offer.sku.clone(),
            unit_price: offer.price,
            at,
        })
        .collect();
    events.push(CartEvent::CheckedOut { order, at });
    Ok(events)
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
        if let CartEvent::Created { owner, idle_seconds, at } = event {
            *self = Cart::Active(CartDetails::new(owner, idle_seconds, at));
            return;
        }
        let Cart::Active(details) = self else { return };
        details.apply(&event);
        match event {
            CartEvent::CheckedOut { order, .. } => self.end(|b| Cart::CheckedOut(b, order)),
            CartEvent::Merged { into, .. } => self.end(|b| Cart::Merged(b, into)),
            CartEvent::Expired { .. } => self.end(Cart::Expired),
            _ => {}
        }
    }
}

impl Cart {
    fn end(&mut self, end: impl FnOnce(CartDetails) -> Cart) {
        if let Cart::Active(details) = std::mem::take(self) {
            *self = end(details);
        }
    }
}

impl CartDetails {
    fn apply(&mut self, event: &CartEvent) {
        let (CartEvent::Created { at, .. }
        | CartEvent::LineAdded { at, .. }
        | CartEvent::LineQuantityChanged { at, .. }
        | CartEvent::LineRemoved { at, .. }
        | CartEvent::Cleared { at }
        | CartEvent::LineRepriced { at, .. }
        | CartEvent::CouponApplied { at, .. }
        | CartEvent::CouponRemoved { at, .. }
        | CartEvent::Merged { at, .. }
        | CartEvent::Assigned { at, .. }
        | CartEvent::CheckedOut { at, .. }
        | CartEvent::Expired { at }) = event;
        self.touched_at = *at;
        match event {
            CartEvent::LineAdded { sku, quantity, unit_price, .. } => self.lines.push(CartLine {
                sku: sku.clone(),
                quantity: *quantity,
                unit_price: *unit_price,
            }),
            CartEvent::LineQuantityChanged { sku, quantity, .. } => {
                self.change(sku, |line| line.quantity = *quantity);
            }
            CartEvent::LineRepriced { sku, unit_price, .. } => {
                self.change(sku, |line| line.unit_price = *unit_price);
            }
            CartEvent::LineRemoved { sku, .. } => self.lines.retain(|line| line.sku != *sku),
            CartEvent::Cleared { .. } => self.lines.clear(),
            CartEvent::CouponApplied { code, .. } => self.coupon = Some(code.clone()),
            CartEvent::CouponRemoved { .. } => self.coupon = None,
            CartEvent::Assigned { customer, .. } => self.owner = Owner::Customer(*customer),
            CartEvent::Created { .. }
            | CartEvent::Merged { .. }
            | CartEvent::CheckedOut { .. }
            | CartEvent::Expired { .. } => {}
        }
    }

    fn change(&mut self, sku: &Sku, change: impl FnOnce(&mut CartLine)) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.sku == *sku) {
            change(line);
        }
    }
}
