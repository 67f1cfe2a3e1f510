//! What the resolvers use: the shop, the caller, and who may see what.

use std::sync::Arc;

use async_graphql::Context;
use chrono::TimeDelta;
use commands::payments::Provider;
use commands::{Bus, OrderNumbers, Vault};
use domain::cart::Owner;
use domain::order::OrderDetails;
use domain::{CartId, CustomerId, OrderId, PaymentId, State};
use projections::{ReadModel, ReadModels};
use quick_cache::sync::Cache;

use super::errors::{Failure, fault};
use super::position::Position;
use crate::auth::{Authenticator, Caller, Identity};
use crate::config::ChargesByCountry;

/// Everything that a resolver needs, beside the caller.
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
    /// Seconds without a touch after which a cart expires.
    pub cart_idle_seconds: u32,
    /// How long stock is kept for an order that is not paid, and from the start of a payment on.
    pub reserve_for: TimeDelta,
    /// How long, from placing, it is kept at most.
    pub reserve_at_most: TimeDelta,
    /// How long a mutation waits for its command, which goes on afterwards.
    pub wait_for_command: std::time::Duration,
    /// How long a query waits for a read model to reach its `minPosition`.
    pub wait_for_position: std::time::Duration,
    /// How long `paymentStart` waits for the provider.
    pub wait_for_provider: std::time::Duration,
}

pub fn shop<'c>(ctx: &Context<'c>) -> &'c Shop {
    ctx.data_unchecked::<Shop>()
}

pub fn identity<'c>(ctx: &Context<'c>) -> &'c Identity {
    ctx.data_unchecked::<Identity>()
}

pub fn caller<'c>(ctx: &Context<'c>) -> &'c Caller {
    &identity(ctx).caller
}

impl Shop {
    /// Waits until the read models have applied all events up to `position`.
    ///
    /// # Errors
    /// `STALE` if they have not within [`Policy::wait_for_position`].
    pub async fn fresh(
        &self,
        models: &[ReadModel],
        position: Option<Position>,
    ) -> async_graphql::Result<()> {
        let Some(Position(position)) = position else { return Ok(()) };
        let at_most = self.policy.wait_for_position;
        let waited = self.read_models.wait_for(models, position, at_most).await;
        waited.map_err(|stale| fault("STALE", &stale.to_string()))
    }

    /// The cart to try after `tried`, if the command was refused because `tried` has ended. The cart that
    /// this node has cached as the caller's may have ended at another node; the refusal has updated the cache.
    pub async fn next_cart<T>(
        &self,
        caller: &Caller,
        (named, tried): (Option<CartId>, CartId),
        result: &Result<T, Failure>,
    ) -> Result<Option<(CartId, Owner)>, Failure> {
        let ended = matches!(result, Err(failure) if failure.is(domain::ErrorCode::CartNotActive));
        if named.is_some() || !ended {
            return Ok(None);
        }
        let (next, owner) = self.cart_of(caller, named).await?;
        Ok((next != tried).then_some((next, owner)))
    }

    /// The cart that a command is about: the named one, or else the caller's current one.
    pub async fn cart_of(
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

    /// # Errors
    /// `NOT_FOUND` if the order does not exist or is not the caller's: the same answer.
    pub async fn own_order(&self, caller: &Caller, order: OrderId) -> Result<(), Failure> {
        let own = self.bus.look(order.stream(), |state| match state {
            State::Order(order) => order.details().is_some_and(|d| may_use_order(caller, d)),
            _ => false,
        });
        if own.await? { Ok(()) } else { Err(Failure::not_found("orderId")) }
    }

    /// # Errors
    /// `NOT_FOUND` if the payment does not exist.
    pub async fn known_payment(&self, payment: PaymentId) -> Result<(), Failure> {
        let known = self.bus.look(payment.stream(), |state| match state {
            State::Payment(payment) => payment.details().is_some(),
            _ => false,
        });
        if known.await? { Ok(()) } else { Err(Failure::not_found("paymentId")) }
    }
}

pub fn may_use_cart(caller: &Caller, cart: CartId, owner: Owner) -> bool {
    match (caller, owner) {
        (Caller::Customer { id }, Owner::Customer(customer)) => *id == customer,
        (Caller::Guest { cart: own }, Owner::Guest) => *own == cart,
        (caller, _) => caller.is_staff(),
    }
}

/// A guest may use the order that was placed with their cart.
pub fn may_use_order(caller: &Caller, order: &OrderDetails) -> bool {
    may_use_cart(caller, order.placed.cart, order.placed.buyer)
}

/// A cache of each customer's current cart, by its number. An entry is a hint: it is checked at every use.
#[derive(Debug, Clone)]
pub struct CurrentCarts(Arc<Cache<CustomerId, u32>>);

impl CurrentCarts {
    pub fn new(customers: usize) -> Self {
        CurrentCarts(Arc::new(Cache::new(customers)))
    }

    /// A customer's carts end in the order of their numbers, so the current cart is the first, from the cached
    /// number on, that has not ended.
    async fn find(&self, shop: &Shop, customer: CustomerId) -> Result<CartId, Failure> {
        let mut number = match self.0.get(&customer) {
            Some(number) => number,
            None => shop.read_models.latest_cart(customer).await?.map_or(1, |cart| cart.number),
        };
        loop {
            let cart = CartId::of_customer(customer, number);
            let ended = shop.bus.look(cart.stream(), |state| match state {
                State::Cart(cart) => cart.has_ended(),
                _ => false,
            });
            if !ended.await? {
                self.0.insert(customer, number);
                return Ok(cart);
            }
            number += 1;
        }
    }
}
