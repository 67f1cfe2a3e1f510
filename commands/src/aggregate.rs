//! The command that one aggregate decides alone. Commands that read or write several streams are in
//! `cart`, `checkout`, `notification` and `payment`.

use std::fmt::Debug;

use domain::cart::{Cart, CartCommand};
use domain::coupon::{Coupon, CouponCode, CouponCommand};
use domain::inventory::{Inventory, InventoryCommand};
use domain::notification::{Notification, NotificationCommand};
use domain::order::{Order, OrderCommand};
use domain::payment::{Payment, PaymentCommand};
use domain::product::{Product, ProductCommand, ProductError};
use domain::{
    CartId, Decide, Event, NotificationId, OrderId, PaymentId, Refusal, Sku, StreamId, Timestamp,
};

use crate::bus::{Changes, Command, Halt, States, changes};

/// What the bus must know about an aggregate's commands: which aggregate decides them, and where
/// its stream is.
pub trait ForAggregate: Debug + Clone + Send + Sync + 'static {
    type Aggregate: Decide<Command = Self, Event: Into<Event>, Error: Into<Refusal>>;
    type Id: Debug + Clone + Send + Sync + 'static;

    fn stream(id: &Self::Id) -> StreamId;

    /// # Errors
    /// [`Halt::Missing`] if the state is not loaded yet.
    fn find<'s>(states: &'s States<'_>, id: &Self::Id) -> Result<&'s Self::Aggregate, Halt>;

    /// Checks the rules that need the states of other aggregates, before this one decides.
    ///
    /// # Errors
    /// The refusal, or [`Halt::Missing`] if another state is not loaded yet.
    fn check_others(&self, _id: &Self::Id, _states: &States<'_>) -> Result<(), Halt> {
        Ok(())
    }
}

/// Sends one command to one aggregate.
#[derive(Debug, Clone)]
pub struct AggregateCommand<C: ForAggregate> {
    /// Stored in the log and counted in the metrics, such as `orderShip`.
    pub name: &'static str,
    pub id: C::Id,
    pub command: C,
}

impl<C: ForAggregate> Command for AggregateCommand<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&self) -> Option<StreamId> {
        Some(C::stream(&self.id))
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        self.command.check_others(&self.id, states)?;
        let events = C::find(states, &self.id)?.decide(&self.command, now)?;
        Ok(changes(C::stream(&self.id), events))
    }
}

impl ForAggregate for CartCommand {
    type Aggregate = Cart;
    type Id = CartId;

    fn stream(id: &CartId) -> StreamId {
        id.stream()
    }

    fn find<'s>(states: &'s States<'_>, id: &CartId) -> Result<&'s Cart, Halt> {
        states.cart(*id)
    }
}

impl ForAggregate for CouponCommand {
    type Aggregate = Coupon;
    type Id = CouponCode;

    fn stream(code: &CouponCode) -> StreamId {
        code.stream()
    }

    fn find<'s>(states: &'s States<'_>, code: &CouponCode) -> Result<&'s Coupon, Halt> {
        states.coupon(code)
    }
}

impl ForAggregate for InventoryCommand {
    type Aggregate = Inventory;
    type Id = Sku;

    fn stream(sku: &Sku) -> StreamId {
        sku.inventory()
    }

    fn find<'s>(states: &'s States<'_>, sku: &Sku) -> Result<&'s Inventory, Halt> {
        states.inventory(sku)
    }

    /// Stock is registered only for a product that exists.
    fn check_others(&self, sku: &Sku, states: &States<'_>) -> Result<(), Halt> {
        let registers = matches!(self, InventoryCommand::Register { .. });
        if registers && *states.product(sku)? == Product::Absent {
            return Err(ProductError::NotFound(sku.clone()).into());
        }
        Ok(())
    }
}

impl ForAggregate for NotificationCommand {
    type Aggregate = Notification;
    type Id = NotificationId;

    fn stream(id: &NotificationId) -> StreamId {
        id.stream()
    }

    fn find<'s>(states: &'s States<'_>, id: &NotificationId) -> Result<&'s Notification, Halt> {
        states.notification(*id)
    }
}

impl ForAggregate for OrderCommand {
    type Aggregate = Order;
    type Id = OrderId;

    fn stream(id: &OrderId) -> StreamId {
        id.stream()
    }

    fn find<'s>(states: &'s States<'_>, id: &OrderId) -> Result<&'s Order, Halt> {
        states.order(*id)
    }
}

impl ForAggregate for PaymentCommand {
    type Aggregate = Payment;
    type Id = PaymentId;

    fn stream(id: &PaymentId) -> StreamId {
        id.stream()
    }

    fn find<'s>(states: &'s States<'_>, id: &PaymentId) -> Result<&'s Payment, Halt> {
        states.payment(*id)
    }
}

impl ForAggregate for ProductCommand {
    type Aggregate = Product;
    type Id = Sku;

    fn stream(sku: &Sku) -> StreamId {
        sku.product()
    }

    fn find<'s>(states: &'s States<'_>, sku: &Sku) -> Result<&'s Product, Halt> {
        states.product(sku)
    }
}
