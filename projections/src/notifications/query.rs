//! Queries for notifications.

use domain::notification::{Notification, NotificationStatus, Template};
use domain::{CustomerId, NotificationId, OrderId};

use super::TABLE;
use crate::page::{Page, QueryError, Slice, TimeKey};
use crate::read_models::ReadModels;
use crate::row::Row;

/// A row matches if it matches every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub customer: Option<CustomerId>,
    pub order: Option<OrderId>,
    pub template: Option<Template>,
    pub status: Option<NotificationStatus>,
}

impl ReadModels {
    pub async fn notification(
        &self,
        id: NotificationId,
    ) -> Result<Option<Row<Notification>>, QueryError> {
        let id = [id.0];
        Ok(TABLE.select_by_ids(&id).fetch_optional(self.pool()).await?)
    }

    /// Newest first.
    pub async fn notifications(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<Slice<Row<Notification>>, QueryError> {
        let mut query = TABLE.filter();
        if let Some(TimeKey(at, id)) = page.after()? {
            query.push(" and (created_at, id) < (").push_bind(at);
            query.push(", ").push_bind(id).push(")");
        }
        if let Some(customer) = filter.customer {
            query.push(" and customer_id = ").push_bind(customer.0);
        }
        if let Some(order) = filter.order {
            query.push(" and order_id = ").push_bind(order.0);
        }
        if let Some(template) = filter.template {
            query.push(" and template = ").push_bind(template.as_str());
        }
        if let Some(status) = filter.status {
            query.push(" and status = ").push_bind(status.as_str());
        }
        query.push(" order by created_at desc, id desc limit ").push_bind(page.limit());
        let rows = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(page.slice(rows, |row: &Row<Notification>| TimeKey(row.created_at, row.id).into()))
    }
}
