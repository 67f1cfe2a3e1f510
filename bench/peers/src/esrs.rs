//! `esrs`: its own migrations, and its manager's optimistic way: load, handle, persist.

use esrs::AggregateState;
use esrs::manager::AggregateManager;
use esrs::store::postgres::{PgStore, PgStoreBuilder, PgStoreError};
use sqlx::PgPool;
use uuid::Uuid;

use crate::cart::{AddLine, Cart, CartError, CartEvent};
use crate::load::{Added, Failure, Peer};

pub struct Esrs(AggregateManager<PgStore<CartAggregate>>);

impl Esrs {
    pub async fn open(pool: PgPool) -> Result<Esrs, Failure> {
        let store = PgStoreBuilder::new(pool).try_build().await?;
        Ok(Esrs(AggregateManager::new(store)))
    }
}

impl Peer for Esrs {
    async fn add(&self, cart: Uuid, command: AddLine) -> Result<Added, Failure> {
        let state = self.0.load(cart).await?;
        let state = state.unwrap_or_else(|| AggregateState::with_id(cart));
        match self.0.handle_command(state, command).await {
            Ok(handled) => {
                handled?;
                Ok(Added::Done)
            }
            Err(PgStoreError::Sqlx(error)) if taken(&error) => Ok(Added::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn units(&self, cart: Uuid) -> Result<u64, Failure> {
        let state = self.0.load(cart).await?;
        Ok(state.map_or(0, |state| state.inner().units()))
    }
}

/// Somebody else has written this sequence number.
fn taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

struct CartAggregate;

impl esrs::Aggregate for CartAggregate {
    const NAME: &'static str = "cart";
    type State = Cart;
    type Command = AddLine;
    type Event = CartEvent;
    type Error = CartError;

    fn handle_command(cart: &Cart, command: AddLine) -> Result<Vec<CartEvent>, CartError> {
        cart.add_line(&command)
    }

    fn apply_event(mut cart: Cart, event: CartEvent) -> Cart {
        cart.fold(event);
        cart
    }
}
