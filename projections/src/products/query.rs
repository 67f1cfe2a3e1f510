//! Queries for products.

use domain::Sku;
use domain::product::Product;
use uuid::Uuid;

use super::{TABLE, sku};
use crate::page::{Cursor, Page, QueryError, Slice};
use crate::read_models::ReadModels;
use crate::row::Row;

/// A row matches if it matches every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// A part of the SKU or of the name, in any case.
    pub search: Option<String>,
    pub active: Option<bool>,
}

impl ReadModels {
    pub async fn product(&self, sku: &Sku) -> Result<Option<Row<Product>>, QueryError> {
        Ok(self.products_by_id(&[sku.product().id]).await?.pop())
    }

    /// The products with these ids that exist, in no particular order.
    pub async fn products_by_id(&self, ids: &[Uuid]) -> Result<Vec<Row<Product>>, QueryError> {
        Ok(TABLE.select_by_ids(ids).fetch_all(self.pool()).await?)
    }

    /// Ordered by SKU.
    pub async fn products(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<Slice<Row<Product>>, QueryError> {
        let mut query = TABLE.filter();
        if let Some(after) = page.after::<String>()? {
            query.push(" and sku > ").push_bind(after);
        }
        if let Some(search) = &filter.search {
            query.push(" and strpos(search, ").push_bind(search.to_lowercase()).push(") > 0");
        }
        if let Some(active) = filter.active {
            query.push(" and active = ").push_bind(active);
        }
        query.push(" order by sku limit ").push(page.limit());
        let rows = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(page.slice(rows, |row: &Row<Product>| Cursor::new(sku(&row.state))))
    }
}
