//! The queries of notifications.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::{NotificationId, OrderId};
use projections::notifications::Filter;
use projections::{Page, ReadModel};

use super::object::{Notification, NotificationStatus, NotificationTemplate};
use crate::graphql::connection::{connect, connection, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, customer_filter, shop};

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
        shop(ctx).wait_for_models(&[ReadModel::Notifications], min_position).await?;
        match id.parse() {
            Ok(id) => load_notification(ctx, NotificationId(id)).await,
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
        shop(ctx).wait_for_models(&[ReadModel::Notifications], min_position).await?;
        let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
        let filter = filter.unwrap_or_default();
        let Some(customer) = customer_filter(caller(ctx), filter.customer_id.as_ref()) else {
            return Ok(NotificationConnection::default());
        };
        // A text that is not an id becomes the nil id, which matches no order.
        let order = filter.order_id.map(|id| OrderId(id.parse().unwrap_or_default()));
        let filter = Filter {
            customer,
            order,
            template: filter.template.map(Into::into),
            status: filter.status.map(Into::into),
        };
        let slice =
            shop(ctx).read_models.notifications(&filter, &page).await.map_err(query_error)?;
        Ok(connect(slice, has_previous, Notification::from_row))
    }
}

/// Loads a notification, if the caller may see it.
pub async fn load_notification(
    ctx: &Context<'_>,
    id: NotificationId,
) -> Result<Option<Notification>> {
    let row = shop(ctx).read_models.notification(id).await.map_err(query_error)?;
    let found = row.and_then(Notification::from_row);
    Ok(found.filter(|notification| match customer_filter(caller(ctx), None) {
        None => false,
        Some(None) => true,
        own => own == Some(notification.outgoing_message().customer()),
    }))
}

/// Loads the notifications about an order that the caller may see, the newest first and at most 100.
pub async fn load_order_notifications(
    ctx: &Context<'_>,
    order: OrderId,
) -> Result<Vec<Notification>> {
    let Some(customer) = customer_filter(caller(ctx), None) else { return Ok(vec![]) };
    let filter = Filter { customer, order: Some(order), ..Filter::default() };
    let page = Page::new(Page::MAX, None);
    let slice = shop(ctx).read_models.notifications(&filter, &page).await.map_err(query_error)?;
    Ok(slice.items.into_iter().filter_map(|(_, row)| Notification::from_row(row)).collect())
}
