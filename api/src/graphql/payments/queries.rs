//! Questions about payments.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::{OrderId, PaymentId};
use projections::ReadModel;

use super::object::{Payment, PaymentStatus};
use crate::auth::Caller;
use crate::graphql::connection::{connect, page};
use crate::graphql::errors::query_fault;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, may_use_order, shop};

/// Which payments. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
pub struct PaymentFilter {
    /// The order they are for; customers and guests have to name one of theirs.
    order_id: Option<ID>,
    /// Where they stand.
    status: Option<PaymentStatus>,
    /// Whether somebody has to look at them; for staff.
    needs_attention: Option<bool>,
}

#[derive(Debug, Default)]
pub struct PaymentQuery;

#[Object]
impl PaymentQuery {
    /// A payment by its id.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment's id.")] id: ID,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Option<Payment>> {
        shop(ctx).fresh(&[ReadModel::Payments], min_position).await?;
        match id.parse() {
            Ok(id) => payment(ctx, PaymentId(id)).await,
            Err(_) => Ok(None),
        }
    }

    /// Payments, the latest first.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Which ones.")] filter: Option<PaymentFilter>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, Payment>> {
        shop(ctx).fresh(&[ReadModel::Payments], min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let filter = filter.unwrap_or_default();
        let order = filter.order_id.map(|id| OrderId(id.parse().unwrap_or_default()));
        if !caller(ctx).is_staff() && !owns(ctx, order).await? {
            return Ok(Connection::new(false, false));
        }
        let filter = projections::payments::Filter {
            order,
            status: filter.status.map(Into::into),
            needs_attention: filter.needs_attention.filter(|_| caller(ctx).is_staff()),
        };
        let slice = shop(ctx).read_models.payments(&filter, &page).await.map_err(query_fault)?;
        Ok(connect(slice, begun, Payment::from_row))
    }
}

/// A payment that the caller may see.
pub async fn payment(ctx: &Context<'_>, id: PaymentId) -> Result<Option<Payment>> {
    let row = shop(ctx).read_models.payment(id).await.map_err(query_fault)?;
    let Some(payment) = row.and_then(Payment::from_row) else { return Ok(None) };
    let visible = caller(ctx).is_staff() || owns(ctx, Some(payment.details.order)).await?;
    Ok(visible.then_some(payment))
}

async fn owns(ctx: &Context<'_>, order: Option<OrderId>) -> Result<bool> {
    let (Some(order), Caller::Customer { .. } | Caller::Guest { .. }) = (order, caller(ctx)) else {
        return Ok(false);
    };
    let row = shop(ctx).read_models.order(order).await.map_err(query_fault)?;
    let details = row.as_ref().and_then(|row| row.state.details());
    Ok(details.is_some_and(|details| may_use_order(caller(ctx), details)))
}
