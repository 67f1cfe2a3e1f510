//! The query `me`, which shows the caller.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};

use super::shop::{caller, identity};
use crate::auth::{Caller, Role};

/// The caller of this request, as identified by its header Authorization, X-API-Key or X-Cart-Token.
#[derive(Debug, Description)]
pub struct Viewer;

/// The roles of callers. Staff are `SUPPORT` and `ADMIN`, whether people with a token or programs
/// with an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ViewerRole {
    /// The request carries no credentials.
    Anonymous,
    /// The request carries only the token of a cart, in the header `X-Cart-Token`. It gives access to
    /// this cart and to the order placed with it.
    Guest,
    /// A signed-in customer, who has access to their own carts, orders, payments and notifications.
    Customer,
    /// Staff who read everything and process orders, payments and returns, but change neither the
    /// catalogue, carts, coupons nor stock.
    Support,
    /// Staff with access to everything, catalogue, coupons and stock included. Only `cartMerge` is
    /// for customers alone.
    Admin,
}

#[Object(use_type_description)]
impl Viewer {
    /// What the caller may do; each field of `Query` and `Mutation` names the roles that may call it.
    async fn role(&self, ctx: &Context<'_>) -> ViewerRole {
        match (caller(ctx).role(), caller(ctx)) {
            (Some(Role::Customer), _) => ViewerRole::Customer,
            (Some(Role::Support), _) => ViewerRole::Support,
            (Some(Role::Admin), _) => ViewerRole::Admin,
            (None, Caller::Guest { .. }) => ViewerRole::Guest,
            (None, _) => ViewerRole::Anonymous,
        }
    }

    /// The customer's id, which is also `Order.customerId` and `Cart.customerId`. Null for everyone
    /// but customers.
    async fn customer_id(&self, ctx: &Context<'_>) -> Option<ID> {
        caller(ctx).customer().map(|customer| customer.0.into())
    }

    /// The name that is recorded with everything the caller changes: `customer:`, `guest:`, `staff:`
    /// or `key:` and an id, such as `guest:anonymous`.
    async fn actor(&self, ctx: &Context<'_>) -> String {
        caller(ctx).actor()
    }

    /// Time at which the caller's token stops being accepted. Null for callers without a token: API
    /// keys, guests and anonymous callers.
    async fn expires_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        identity(ctx).expires_at
    }
}

#[derive(Debug, Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// The caller of this request, with its role.
    ///
    /// Anyone may call it.
    async fn me(&self) -> Result<Viewer> {
        Ok(Viewer)
    }
}
