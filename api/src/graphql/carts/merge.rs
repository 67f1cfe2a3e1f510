//! The mutation that merges a guest's cart into the cart of the customer who has signed in.

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

/// The guest's cart to merge into the cart of the customer who has signed in.
#[derive(Debug, InputObject, Serialize)]
pub struct CartMergeInput {
    /// The token that `cartCreate` returned to the guest. Whoever has it may take the cart over.
    cart_token: String,
    /// With the same key, a repeated request moves the lines only once. See `Mutation`.
    idempotency_key: Option<ID>,
}

payload! {
    cartMerge => CartMergePayload {
        /// The customer's cart, with the guest's lines in it. Null if the request was refused.
        cart: Cart
    }
}

#[derive(Debug, Default)]
pub struct CartMergeMutation;

#[Object]
impl CartMergeMutation {
    /// Moves the lines of a guest's cart into the customer's current cart, after the guest has signed
    /// in. Quantities are added up, prices become the current ones, and discontinued products are
    /// left out. The guest's coupon comes along if the customer's cart has none. Merging the same
    /// cart again changes nothing.
    ///
    /// Only customers may call it.
    ///
    /// Error codes: `NOT_FOUND` if the token is wrong, `CART_NOT_ACTIVE` if the guest's cart was
    /// checked out or has expired, `CURRENCY_MISMATCH`, `TOO_MANY_LINES`, `INVALID_QUANTITY`,
    /// `AMOUNT_TOO_LARGE`.
    async fn cart_merge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of the guest's cart.")] input: CartMergeInput,
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
    let (into, _) = shop(ctx).resolve_cart(caller(ctx), None).await?;
    let merged = merge_into(into).await;
    match shop(ctx).next_cart(caller(ctx), (None, into), &merged).await? {
        Some((into, _)) => merge_into(into).await,
        None => merged,
    }
}
