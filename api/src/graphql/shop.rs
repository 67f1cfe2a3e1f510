//! The data that resolvers use: the shop and the caller; and the rules of who may see which object.

use std::sync::Arc;

use async_graphql::{Context, ID};
use chrono::TimeDelta;
use commands::payments::Provider;
use commands::{Bus, OrderNumbers, Vault};
use domain::cart::Owner;
use domain::order::OrderDetails;
use domain::{CartId, CustomerId, OrderId, PaymentId, State};
use projections::{ReadModel, ReadModels};
use quick_cache::sync::Cache;

use super::errors::Failure;
use super::position::Position;
use crate::auth::{Authenticator, Caller, Identity};
use crate::config::ChargesByCountry;
use crate::graphql_http::error_with_code;

/// Everything that a resolver needs besides the caller.
#[derive(Debug, Clone)]
pub struct Shop {
    pub bus: Bus,
    pub read_models: ReadModels,
    pub vault: Vault,
    pub order_numbers: OrderNumbers,
    pub provider: Provider,
    pub authenticator: Arc<Authenticator>,
    pub policy: Policy,
    pub current_carts: CurrentCarts,
}

/// The settings of the shop that resolvers need.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Tax and shipping.
    pub charges: ChargesByCountry,
    /// A cart expires after this number of seconds without a change.
    pub cart_idle_seconds: u32,
    /// How long stock is reserved for an order: from placing it, and again from the start of each payment.
    pub reserve_for: TimeDelta,
    /// The longest time, counted from placing the order, to which payments can extend the reservation.
    pub reserve_at_most: TimeDelta,
    /// How long a mutation waits for its command. The command goes on afterwards.
    pub wait_for_command: std::time::Duration,
    /// How long a query waits for a read model to reach its `minPosition`.
    pub wait_for_position: std::time::Duration,
    /// How long `paymentStart` waits for the provider's first answer.
    pub wait_for_provider: std::time::Duration,
}

/// The shop, from the schema's data.
pub fn shop<'c>(ctx: &Context<'c>) -> &'c Shop {
    ctx.data_unchecked::<Shop>()
}

/// The identity of the caller, from the request's data.
pub fn identity<'c>(ctx: &Context<'c>) -> &'c Identity {
    ctx.data_unchecked::<Identity>()
}

/// The caller, from the request's data.
pub fn caller<'c>(ctx: &Context<'c>) -> &'c Caller {
    &identity(ctx).caller
}

impl Shop {
    /// Waits until the read models have applied all events up to `position`.
    ///
    /// # Errors
    /// `STALE` if that takes longer than [`Policy::wait_for_position`].
    pub async fn wait_for_models(
        &self,
        models: &[ReadModel],
        position: Option<Position>,
    ) -> async_graphql::Result<()> {
        let Some(Position(position)) = position else { return Ok(()) };
        let time_limit = self.policy.wait_for_position;
        let waited = self.read_models.wait_for(models, position, time_limit).await;
        waited.map_err(|stale| error_with_code("STALE", stale.to_string()))
    }

    /// The cart with which to repeat a command that was refused because the cart `tried` has ended; `None` if the command
    /// is not to be repeated.
    ///
    /// This node may have cached a cart as the caller's current one that has ended at another node. The refusal has
    /// updated the cache, so the next look-up finds the right cart. A cart that the client has named is not replaced.
    pub async fn next_cart<T>(
        &self,
        caller: &Caller,
        (named, tried): (Option<CartId>, CartId),
        result: &Result<T, Failure>,
    ) -> Result<Option<(CartId, Owner)>, Failure> {
        let has_ended =
            matches!(result, Err(failure) if failure.has_code(domain::ErrorCode::CartNotActive));
        if named.is_some() || !has_ended {
            return Ok(None);
        }
        let (next, owner) = self.resolve_cart(caller, named).await?;
        Ok((next != tried).then_some((next, owner)))
    }

    /// Finds the cart that a command is about: the named one, or else the caller's current one.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is none, or if the caller may not use it.
    pub async fn resolve_cart(
        &self,
        caller: &Caller,
        named: Option<CartId>,
    ) -> Result<(CartId, Owner), Failure> {
        match (named, caller) {
            (None, Caller::Customer { id }) => {
                Ok((self.current_carts.find(self, *id).await?, Owner::Customer(*id)))
            }
            (None, Caller::Guest { cart }) => Ok((*cart, Owner::Guest)),
            (None, _) => Err(Failure::not_found("cartId")),
            (Some(cart), caller) => {
                let owner = self.bus.look(cart.stream(), |state| match state {
                    State::Cart(cart) => cart.details().map(|details| details.owner),
                    _ => None,
                });
                match owner.await? {
                    Some(owner) if may_use_cart(caller, cart, owner) => Ok((cart, owner)),
                    _ => Err(Failure::not_found("cartId")),
                }
            }
        }
    }

    /// Checks that the caller may use this order.
    ///
    /// # Errors
    /// `NOT_FOUND` if the order does not exist or belongs to another person. Both have the same answer.
    pub async fn check_own_order(&self, caller: &Caller, order: OrderId) -> Result<(), Failure> {
        let is_own = self.bus.look(order.stream(), |state| match state {
            State::Order(order) => order.details().is_some_and(|d| may_use_order(caller, d)),
            _ => false,
        });
        if is_own.await? { Ok(()) } else { Err(Failure::not_found("orderId")) }
    }

    /// Checks that this payment exists.
    ///
    /// # Errors
    /// `NOT_FOUND` if it does not.
    pub async fn check_payment_exists(&self, payment: PaymentId) -> Result<(), Failure> {
        let exists = self.bus.look(payment.stream(), |state| match state {
            State::Payment(payment) => payment.details().is_some(),
            _ => false,
        });
        if exists.await? { Ok(()) } else { Err(Failure::not_found("paymentId")) }
    }
}

/// Whether the caller is the cart's owner or staff.
pub fn may_use_cart(caller: &Caller, cart: CartId, owner: Owner) -> bool {
    match (caller, owner) {
        (Caller::Customer { id }, Owner::Customer(customer)) => *id == customer,
        (Caller::Guest { cart: own }, Owner::Guest) => *own == cart,
        (caller, _) => caller.is_staff(),
    }
}

/// Whether the caller is the buyer of the order or staff. A guest is the buyer of the order placed with their cart.
pub fn may_use_order(caller: &Caller, order: &OrderDetails) -> bool {
    may_use_cart(caller, order.placed.cart, order.placed.buyer)
}

/// The customer to whom a list of orders or notifications is limited: `Some(None)` lists those of all customers. `None`
/// lists nothing, because the caller is neither a customer nor staff. `named` is the customer that staff filter by.
pub fn customer_filter(caller: &Caller, named: Option<&ID>) -> Option<Option<CustomerId>> {
    match caller {
        Caller::Customer { id } => Some(Some(*id)),
        // A text that is not an id becomes the nil id, which matches no customer.
        staff if staff.is_staff() => {
            Some(named.map(|id| CustomerId(id.parse().unwrap_or_default())))
        }
        _ => None,
    }
}

/// A cache of the number of each customer's current cart. An entry may be out of date, so it is checked at every use.
#[derive(Debug, Clone)]
pub struct CurrentCarts(Arc<Cache<CustomerId, u32>>);

impl CurrentCarts {
    pub fn new(customers: usize) -> Self {
        CurrentCarts(Arc::new(Cache::new(customers)))
    }

    /// Finds the customer's current cart. A customer's carts end in the order of their numbers, so the current cart is
    /// the first one, from the cached number on, that has not ended.
    async fn find(&self, shop: &Shop, customer: CustomerId) -> Result<CartId, Failure> {
        let mut number = match self.0.get(&customer) {
            Some(number) => number,
            None => shop.read_models.latest_cart(customer).await?.map_or(1, |cart| cart.number),
        };
        loop {
            let cart = CartId::of_customer(customer, number);
            let has_ended = shop.bus.look(cart.stream(), |state| match state {
                State::Cart(cart) => cart.has_ended(),
                _ => false,
            });
            if !has_ended.await? {
                self.0.insert(customer, number);
                return Ok(cart);
            }
            number += 1;
        }
    }
}
