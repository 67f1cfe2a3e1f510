//! The queries of payments.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::{OrderId, PaymentId};
use projections::ReadModel;

use super::object::{Payment, PaymentStatus};
use crate::auth::Caller;
use crate::graphql::connection::{connect, connection, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, may_use_order, shop};

/// Selects payments. Conditions that are left out or null match every payment; all others must hold
/// together.
#[derive(Debug, Default, InputObject)]
pub struct PaymentFilter {
    /// Only payments of this order. Guests and customers must give one of their own orders.
    order_id: Option<ID>,
    /// Only payments with this status. A payment whose authorisation has just ended may still be
    /// found as `AUTHORIZED`.
    status: Option<PaymentStatus>,
    /// True for payments that staff must look at, false for all others. It is ignored for everyone
    /// but staff.
    needs_attention: Option<bool>,
}

connection!(PaymentConnection, PaymentEdge, Payment, "payment", "payments");

#[derive(Debug, Default)]
pub struct PaymentQuery;

#[Object]
impl PaymentQuery {
    /// A payment by its id. Null if there is none that the caller may see.
    ///
    /// Anyone may call it: guests and customers for payments of their own orders, staff for all.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment's UUID, as in `Payment.id`.")] id: ID,
        #[graphql(desc = "Wait until payments show the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<Option<Payment>> {
        shop(ctx).wait_for_models(&[ReadModel::Payments], min_position).await?;
        match id.parse() {
            Ok(id) => load_payment(ctx, PaymentId(id)).await,
            Err(_) => Ok(None),
        }
    }

    /// Payments, the newest first. Guests and customers must name one of their orders in the filter,
    /// or the list is empty.
    ///
    /// Anyone may call it: guests and customers for their own orders, staff for all.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of payments, 0 to 100; 20 by default.")] first: Option<
            i32,
        >,
        #[graphql(
            desc = "The `cursor` of the last payment already seen; by default the list starts with the newest payment."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Conditions that the payments must all meet; without it, staff get every payment and others none."
        )]
        filter: Option<PaymentFilter>,
        #[graphql(desc = "Wait until the list of payments shows the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<PaymentConnection> {
        shop(ctx).wait_for_models(&[ReadModel::Payments], min_position).await?;
        let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
        let filter = filter.unwrap_or_default();
        let order = filter.order_id.map(|id| OrderId(id.parse().unwrap_or_default()));
        if !caller(ctx).is_staff() && !owns_order(ctx, order).await? {
            return Ok(PaymentConnection::default());
        }
        let filter = projections::payments::Filter {
            order,
            status: filter.status.map(Into::into),
            needs_attention: filter.needs_attention.filter(|_| caller(ctx).is_staff()),
        };
        let slice = shop(ctx).read_models.payments(&filter, &page).await.map_err(query_error)?;
        Ok(connect(slice, has_previous, Payment::from_row))
    }
}

/// Loads a payment, if the caller may see it.
pub async fn load_payment(ctx: &Context<'_>, id: PaymentId) -> Result<Option<Payment>> {
    let row = shop(ctx).read_models.payment(id).await.map_err(query_error)?;
    let Some(payment) = row.and_then(Payment::from_row) else { return Ok(None) };
    let is_visible = caller(ctx).is_staff() || owns_order(ctx, Some(payment.details.order)).await?;
    Ok(is_visible.then_some(payment))
}

/// Whether the caller is a customer or guest who owns this order.
async fn owns_order(ctx: &Context<'_>, order: Option<OrderId>) -> Result<bool> {
    let (Some(order), Caller::Customer { .. } | Caller::Guest { .. }) = (order, caller(ctx)) else {
        return Ok(false);
    };
    let row = shop(ctx).read_models.order(order).await.map_err(query_error)?;
    let details = row.as_ref().and_then(|row| row.state.details());
    Ok(details.is_some_and(|details| may_use_order(caller(ctx), details)))
}
