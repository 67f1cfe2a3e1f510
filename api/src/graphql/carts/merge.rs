//! Merging on login: what a guest has gathered goes into the customer's cart.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::CartId;
use domain::checkout::MergeCarts;
use serde::Serialize;

use super::Cart;
use super::mutations::render_cart;
use crate::auth::Caller;
use crate::graphql::errors::Failure;
use crate::graphql::mutation::{Completed, MutationOptions, execute, payload};
use crate::graphql::shop::{caller, shop};

/// The cart that somebody filled before they signed in.
#[derive(Debug, InputObject, Serialize)]
pub struct CartMergeInput {
    /// The token that `cartCreate` gave to the guest: whoever has it may take the cart over.
    cart_token: String,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
}

payload! {
    /// The answer of `cartMerge`.
    CartMergePayload {
        /// The customer's cart as it now is.
        cart: Cart
    }
}

#[derive(Debug, Default)]
pub struct CartMergeMutation;

#[Object]
impl CartMergeMutation {
    /// Moves what is in a guest's cart into the signed-in customer's. Quantities add up, prices are
    /// the present ones, what is no longer sold stays behind. Doing it twice changes nothing.
    async fn cart_merge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The guest's cart.")] input: CartMergeInput,
    ) -> Result<CartMergePayload> {
        CartMergePayload::render(merge(ctx, input).await)
    }
}

async fn merge(ctx: &Context<'_>, input: CartMergeInput) -> Result<Completed<Cart>, Failure> {
    let Caller::Customer { id: customer } = *caller(ctx) else {
        return Err(Failure::not_found("cartToken"));
    };
    let guest = shop(ctx).authenticator.carts.verify(input.cart_token.as_bytes());
    let guest = guest.map_err(|_| Failure::not_found("cartToken"))?;
    let idle_seconds = shop(ctx).policy.cart_idle_seconds;
    let merge_into = async |into: CartId| {
        let options = MutationOptions::new(&input.idempotency_key, None);
        render_cart(
            execute(ctx, &input, options, MergeCarts { guest, into, customer, idle_seconds })
                .await?,
        )
    };
    let (into, _) = shop(ctx).cart_of(caller(ctx), None).await?;
    let merged = merge_into(into).await;
    match shop(ctx).next_cart(caller(ctx), (None, into), &merged).await? {
        Some((into, _)) => merge_into(into).await,
        None => merged,
    }
}
