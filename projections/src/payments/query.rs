//! Queries for payments.

use domain::payment::{Payment, PaymentStatus};
use domain::{OrderId, PaymentId};
use uuid::Uuid;

use super::TABLE;
use crate::page::{Page, QueryError, Slice, TimeKey};
use crate::read_models::ReadModels;
use crate::row::Row;

/// A row matches if it matches every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub order: Option<OrderId>,
    pub status: Option<PaymentStatus>,
    pub needs_attention: Option<bool>,
}

impl ReadModels {
    pub async fn payment(&self, payment: PaymentId) -> Result<Option<Row<Payment>>, QueryError> {
        Ok(self.payments_by_id(&[payment.0]).await?.pop())
    }

    /// The payments with these ids that exist, in no particular order.
    pub async fn payments_by_id(&self, ids: &[Uuid]) -> Result<Vec<Row<Payment>>, QueryError> {
        Ok(TABLE.select_by_ids(ids).fetch_all(self.pool()).await?)
    }

    /// Newest first.
    pub async fn payments(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<Slice<Row<Payment>>, QueryError> {
        let mut query = TABLE.filter();
        if let Some(TimeKey(at, id)) = page.after()? {
            query.push(" and (created_at, id) < (").push_bind(at);
            query.push(", ").push_bind(id).push(")");
        }
        if let Some(order) = filter.order {
            query.push(" and order_id = ").push_bind(order.0);
        }
        if let Some(status) = filter.status {
            query.push(" and status = ").push_bind(status.as_str());
        }
        if let Some(needs_attention) = filter.needs_attention {
            query.push(" and needs_attention = ").push_bind(needs_attention);
        }
        query.push(" order by created_at desc, id desc limit ").push(page.limit());
        let rows = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(page.slice(rows, |row: &Row<Payment>| TimeKey(row.created_at, row.id).into()))
    }
}
