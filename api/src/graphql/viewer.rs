//! Who is asking.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};

use super::shop::{caller, identity};
use crate::auth::{Caller, Role};

/// The caller, as the server knows them.
#[derive(Debug, Description)]
pub struct Viewer;

/// What a caller is allowed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ViewerRole {
    /// Nobody in particular.
    Anonymous,
    /// Somebody who holds the token of a cart.
    Guest,
    /// A customer.
    Customer,
    /// Staff who help customers.
    Support,
    /// Staff who may do everything.
    Admin,
}

#[Object(use_type_description)]
impl Viewer {
    /// The caller's role.
    async fn role(&self, ctx: &Context<'_>) -> ViewerRole {
        match (caller(ctx).role(), caller(ctx)) {
            (Some(Role::Customer), _) => ViewerRole::Customer,
            (Some(Role::Support), _) => ViewerRole::Support,
            (Some(Role::Admin), _) => ViewerRole::Admin,
            (None, Caller::Guest { .. }) => ViewerRole::Guest,
            (None, _) => ViewerRole::Anonymous,
        }
    }

    /// The customer's id, which their orders and carts carry.
    async fn customer_id(&self, ctx: &Context<'_>) -> Option<ID> {
        caller(ctx).customer().map(|customer| customer.0.into())
    }

    /// The name under which the caller's actions are recorded.
    async fn actor(&self, ctx: &Context<'_>) -> String {
        caller(ctx).actor()
    }

    /// When the caller's token ends.
    async fn expires_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        identity(ctx).expires_at
    }
}

#[derive(Debug, Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who is asking.
    async fn me(&self) -> Result<Viewer> {
        Ok(Viewer)
    }
}
