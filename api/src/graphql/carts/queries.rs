//! The queries of carts.

use async_graphql::{Context, ID, Object, Result};
use domain::CartId;
use projections::ReadModel;

use super::Cart;
use crate::auth::Caller;
use crate::graphql::errors::query_error;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, may_use_cart, shop};

#[derive(Debug, Default)]
pub struct CartQuery;

#[Object]
impl CartQuery {
    /// A cart, by its id or the caller's own. Null if there is none that the caller may see, or if
    /// the customer's latest cart was checked out.
    ///
    /// Anyone may call it: guests and customers for their own carts, staff for all.
    async fn cart(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The cart's id. If it is left out, guests and customers get their own cart and staff get null."
        )]
        id: Option<ID>,
        #[graphql(
            desc = "Wait until carts show the event at this position. If `estimate`, `currentUnitPrice` or `product` is selected, wait for products and coupons too."
        )]
        min_position: Option<Position>,
    ) -> Result<Option<Cart>> {
        shop(ctx).wait_for_models(needed_models(ctx), min_position).await?;
        let id = match (&id, caller(ctx)) {
            (Some(id), _) => id.parse().ok().map(CartId),
            (None, Caller::Guest { cart }) => Some(*cart),
            (None, Caller::Customer { id }) => {
                let latest = shop(ctx).read_models.latest_cart(*id).await.map_err(query_error)?;
                let cart = latest.and_then(|cart| {
                    Cart::new(CartId(cart.row.id), cart.row.version, cart.row.state)
                });
                return Ok(cart.filter(|cart| cart.order.is_none()));
            }
            (None, _) => None,
        };
        let Some(id) = id else { return Ok(None) };
        load_cart(ctx, id).await
    }
}

/// The read models that the selected fields need. The row of a cart contains no current prices.
fn needed_models(ctx: &Context<'_>) -> &'static [ReadModel] {
    let (cart, lines) = (ctx.look_ahead(), ctx.look_ahead().field("lines"));
    let selects = |part: &str| lines.field(part).exists();
    if cart.field("estimate").exists() || selects("currentUnitPrice") || selects("product") {
        &[ReadModel::Carts, ReadModel::Products, ReadModel::Coupons]
    } else {
        &[ReadModel::Carts]
    }
}

/// Loads a cart, if the caller may see it.
pub async fn load_cart(ctx: &Context<'_>, id: CartId) -> Result<Option<Cart>> {
    let row = shop(ctx).read_models.cart(id).await.map_err(query_error)?;
    let cart = row.and_then(|row| Cart::new(id, row.version, row.state));
    Ok(cart.filter(|cart| may_use_cart(caller(ctx), id, cart.owner())))
}
