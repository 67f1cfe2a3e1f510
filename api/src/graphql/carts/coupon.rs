//! The mutations that apply a coupon to a cart and remove it.

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

/// A coupon code to use for a cart.
#[derive(Debug, InputObject, Serialize)]
pub struct CartCouponApplyInput {
    /// Cart that gets the coupon. If it is left out, guests and customers use their own cart; staff
    /// must name one.
    cart_id: Option<ID>,
    /// The code as the customer types it, in any case, such as `spring-10`.
    code: String,
    /// With the same key, a repeated request applies the coupon only once. See `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the cart has this version, so that the coupon is applied
    /// to the lines you have seen.
    expected_version: Option<i32>,
}

/// The cart from which the coupon is to be removed.
#[derive(Debug, InputObject, Serialize)]
pub struct CartCouponRemoveInput {
    /// Cart that loses its coupon. If it is left out, guests and customers use their own cart; staff
    /// must name one.
    cart_id: Option<ID>,
    /// With the same key, a repeated request does not remove a coupon that was applied since. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the cart has this version, so that the coupon you have
    /// seen is the one removed.
    expected_version: Option<i32>,
}

payload! {
    cartCouponApply => CartCouponApplyPayload {
        /// The cart with the coupon. Null if the request was refused.
        cart: Cart
    }
}
payload! {
    cartCouponRemove => CartCouponRemovePayload {
        /// The cart without a coupon. Null if the request was refused.
        cart: Cart
    }
}

#[derive(Debug, Default)]
pub struct CartCouponMutation;

#[Object]
impl CartCouponMutation {
    /// Sets the coupon of a cart, in place of any it had. The coupon must be usable for the cart now.
    /// It is used up only by `orderPlace`, and must be usable then too.
    ///
    /// Guests, customers and admins may call it: guests and customers for their own cart.
    ///
    /// Error codes: `COUPON_NOT_FOUND`, `COUPON_NOT_VALID`, `COUPON_USED_UP`, `COUPON_MINIMUM`,
    /// `CURRENCY_MISMATCH`, `CART_EMPTY`, `CART_NOT_ACTIVE`, `NOT_FOUND`, `INVALID_ID`,
    /// `INVALID_COUPON`, `AMOUNT_TOO_LARGE`, `VERSION_CONFLICT`.
    async fn cart_coupon_apply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The coupon's code and, for staff, the cart.")]
        input: CartCouponApplyInput,
    ) -> Result<CartCouponApplyPayload> {
        CartCouponApplyPayload::render(apply(ctx, input).await)
    }

    /// Removes the coupon from a cart. Nothing changes if it has none.
    ///
    /// Guests, customers and admins may call it: guests and customers for their own cart.
    ///
    /// Error codes: `CART_NOT_ACTIVE`, `NOT_FOUND`, `INVALID_ID`, `VERSION_CONFLICT`.
    async fn cart_coupon_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "For staff the cart whose coupon is removed; guests and customers may send `{}`."
        )]
        input: CartCouponRemoveInput,
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
