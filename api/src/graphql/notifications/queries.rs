//! Questions about notifications.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::{CustomerId, NotificationId, OrderId};
use projections::notifications::Filter;
use projections::{Page, ReadModel};

use super::object::{Notification, NotificationStatus, NotificationTemplate};
use crate::auth::Caller;
use crate::graphql::connection::{connect, connection, page};
use crate::graphql::errors::query_fault;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, shop};

/// Selects notifications. Conditions that are left out or null match every message; all others must
/// hold together.
#[derive(Debug, Default, InputObject)]
pub struct NotificationFilter {
    /// Only messages about this order.
    order_id: Option<ID>,
    /// Only messages to this customer. It is ignored for customers, who get only their own messages.
    customer_id: Option<ID>,
    /// Only messages about this kind of event.
    template: Option<NotificationTemplate>,
    /// Only messages that have this status now.
    status: Option<NotificationStatus>,
}

connection!(
    NotificationConnection,
    NotificationEdge,
    Notification,
    "notification",
    "notifications"
);

#[derive(Debug, Default)]
pub struct NotificationQuery;

#[Object]
impl NotificationQuery {
    /// A message that was sent or is to be sent to a person. Null if there is none that the caller
    /// may see.
    ///
    /// Customers and staff may call it: customers for messages to themselves, staff for all.
    async fn notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's UUID, as in `Notification.id`.")] id: ID,
        #[graphql(desc = "Wait until notifications show the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<Option<Notification>> {
        shop(ctx).fresh(&[ReadModel::Notifications], min_position).await?;
        match id.parse() {
            Ok(id) => notification(ctx, NotificationId(id)).await,
            Err(_) => Ok(None),
        }
    }

    /// Messages to customers, guests and staff, the newest first. Customers get only the messages to
    /// themselves, staff get all.
    ///
    /// Customers and staff may call it.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of notifications, 0 to 100; 20 by default.")]
        first: Option<i32>,
        #[graphql(
            desc = "The `cursor` of the last notification already seen; by default the list starts with the newest message."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Conditions that the notifications must all meet; without it, every notification that the caller may see is listed."
        )]
        filter: Option<NotificationFilter>,
        #[graphql(desc = "Wait until the list of notifications shows the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<NotificationConnection> {
        shop(ctx).fresh(&[ReadModel::Notifications], min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let filter = filter.unwrap_or_default();
        let Some(customer) = whose(caller(ctx), filter.customer_id.as_ref()) else {
            return Ok(NotificationConnection::default());
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
