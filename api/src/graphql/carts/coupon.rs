//! A coupon in a cart.

use async_graphql::{Context, ID, InputObject, Object, Result};
use commands::AggregateCommand;
use commands::cart::ApplyCoupon;
use domain::Refusal;
use domain::cart::CartCommand;
use domain::coupon::CouponCode;
use serde::Serialize;

use super::Cart;
use super::mutations::{find_cart, render_cart};
use crate::graphql::errors::{Failure, in_input};
use crate::graphql::input::parse;
use crate::graphql::mutation::{Completed, MutationOptions, execute, execute_with_paths, payload};

/// A coupon for a cart.
#[derive(Debug, InputObject, Serialize)]
pub struct CartCouponApplyInput {
    /// The cart; without it, the caller's.
    cart_id: Option<ID>,
    /// What the customer types, in any case.
    code: String,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the cart is at this version.
    expected_version: Option<i32>,
}

/// The cart that is to go without a coupon.
#[derive(Debug, InputObject, Serialize)]
pub struct CartCouponRemoveInput {
    /// The cart; without it, the caller's.
    cart_id: Option<ID>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the cart is at this version.
    expected_version: Option<i32>,
}

payload! {
    /// The answer of `cartCouponApply`.
    CartCouponApplyPayload {
        /// The cart as it now is.
        cart: Cart
    }
}
payload! {
    /// The answer of `cartCouponRemove`.
    CartCouponRemovePayload {
        /// The cart as it now is.
        cart: Cart
    }
}

#[derive(Debug, Default)]
pub struct CartCouponMutation;

#[Object]
impl CartCouponMutation {
    /// Puts a coupon into a cart, in the place of any that was there. It is used when the order is
    /// placed, and must still be good then.
    async fn cart_coupon_apply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which coupon, and where.")] input: CartCouponApplyInput,
    ) -> Result<CartCouponApplyPayload> {
        CartCouponApplyPayload::render(apply(ctx, input).await)
    }

    /// Takes the coupon out of a cart.
    async fn cart_coupon_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which cart.")] input: CartCouponRemoveInput,
    ) -> Result<CartCouponRemovePayload> {
        CartCouponRemovePayload::render(remove(ctx, input).await)
    }
}

async fn apply(ctx: &Context<'_>, input: CartCouponApplyInput) -> Result<Completed<Cart>, Failure> {
    let code: CouponCode = parse(|parser| parser.parse(&["code"], &input.code))?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let (cart, _) = find_cart(ctx, input.cart_id.as_ref()).await?;
    let path_of =
        |refusal: &Refusal| matches!(refusal, Refusal::Coupon(_)).then(|| in_input("code"));
    let command = ApplyCoupon { cart, code };
    render_cart(execute_with_paths(ctx, &input, options, command, path_of).await?)
}

async fn remove(
    ctx: &Context<'_>,
    input: CartCouponRemoveInput,
) -> Result<Completed<Cart>, Failure> {
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let (cart, _) = find_cart(ctx, input.cart_id.as_ref()).await?;
    let command = CartCommand::RemoveCoupon;
    render_cart(
        execute(
            ctx,
            &input,
            options,
            AggregateCommand { name: "cartCouponRemove", id: cart, command },
        )
        .await?,
    )
}
