//! Questions about notifications.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::{CustomerId, NotificationId, OrderId};
use projections::notifications::Filter;
use projections::{Page, ReadModel};

use super::object::{Notification, NotificationStatus, NotificationTemplate};
use crate::auth::Caller;
use crate::graphql::connection::{connect, page};
use crate::graphql::errors::query_fault;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, shop};

/// Which notifications. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
pub struct NotificationFilter {
    /// The order they are about.
    order_id: Option<ID>,
    /// Whose they are; customers only ever see their own.
    customer_id: Option<ID>,
    /// What they are about.
    template: Option<NotificationTemplate>,
    /// Where they stand.
    status: Option<NotificationStatus>,
}

#[derive(Debug, Default)]
pub struct NotificationQuery;

#[Object]
impl NotificationQuery {
    /// A notification by its id.
    async fn notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The notification's id.")] id: ID,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Option<Notification>> {
        shop(ctx).fresh(&[ReadModel::Notifications], min_position).await?;
        match id.parse() {
            Ok(id) => notification(ctx, NotificationId(id)).await,
            Err(_) => Ok(None),
        }
    }

    /// Notifications, the latest first: a customer's own, staff's all.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Which ones.")] filter: Option<NotificationFilter>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, Notification>> {
        shop(ctx).fresh(&[ReadModel::Notifications], min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let filter = filter.unwrap_or_default();
        let Some(customer) = whose(caller(ctx), filter.customer_id.as_ref()) else {
            return Ok(Connection::new(false, false));
        };
        // An id that is none matches nothing.
        let order = filter.order_id.map(|id| OrderId(id.parse().unwrap_or_default()));
        let filter = Filter {
            customer,
            order,
            template: filter.template.map(Into::into),
            status: filter.status.map(Into::into),
        };
        let slice =
            shop(ctx).read_models.notifications(&filter, &page).await.map_err(query_fault)?;
        Ok(connect(slice, begun, Notification::from_row))
    }
}

/// A notification that the caller may see.
pub async fn notification(ctx: &Context<'_>, id: NotificationId) -> Result<Option<Notification>> {
    let row = shop(ctx).read_models.notification(id).await.map_err(query_fault)?;
    let found = row.and_then(Notification::from_row);
    Ok(found.filter(|notification| match whose(caller(ctx), None) {
        None => false,
        Some(None) => true,
        own => own == Some(notification.outgoing_message().customer()),
    }))
}

/// What the buyer of an order was told of it, the latest first; at most 100.
pub async fn of_order(ctx: &Context<'_>, order: OrderId) -> Result<Vec<Notification>> {
    let Some(customer) = whose(caller(ctx), None) else { return Ok(vec![]) };
    let filter = Filter { customer, order: Some(order), ..Filter::default() };
    let page = Page::new(Page::MAX, None);
    let slice = shop(ctx).read_models.notifications(&filter, &page).await.map_err(query_fault)?;
    Ok(slice.items.into_iter().filter_map(|(_, row)| Notification::from_row(row)).collect())
}

/// The customer whose notifications the caller may see, all of them where there is none; nothing for
/// callers who are no customer and no staff.
fn whose(caller: &Caller, named: Option<&ID>) -> Option<Option<CustomerId>> {
    match caller {
        Caller::Customer { id } => Some(Some(*id)),
        staff if staff.is_staff() => {
            Some(named.map(|id| CustomerId(id.parse().unwrap_or_default())))
        }
        _ => None,
    }
}
