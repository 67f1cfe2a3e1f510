//! The list of all read models.

use std::fmt;
use std::str::FromStr;

/// A read model. Each has a projection, which keeps it up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadModel {
    Products,
    Carts,
    Orders,
    Payments,
    Coupons,
    Notifications,
    Inventory,
    Reservations,
    Ledger,
    Deadlines,
    Audit,
}

/// Evaluates an expression in which the type alias `$P` is the projection of the given read model.
macro_rules! with_projection {
    ($model:expr, $P:ident => $body:expr) => {{
        use $crate::model::ReadModel;
        match $model {
            ReadModel::Products => {
                type $P = $crate::products::Products;
                $body
            }
            ReadModel::Carts => {
                type $P = $crate::carts::Carts;
                $body
            }
            ReadModel::Orders => {
                type $P = $crate::orders::Orders;
                $body
            }
            ReadModel::Payments => {
                type $P = $crate::payments::Payments;
                $body
            }
            ReadModel::Coupons => {
                type $P = $crate::coupons::Coupons;
                $body
            }
            ReadModel::Notifications => {
                type $P = $crate::notifications::Notifications;
                $body
            }
            ReadModel::Inventory => {
                type $P = $crate::inventory::Items;
                $body
            }
            ReadModel::Reservations => {
                type $P = $crate::inventory::Reservations;
                $body
            }
            ReadModel::Ledger => {
                type $P = $crate::inventory::Ledger;
                $body
            }
            ReadModel::Deadlines => {
                type $P = $crate::deadlines::Deadlines;
                $body
            }
            ReadModel::Audit => {
                type $P = $crate::audit::Audit;
                $body
            }
        }
    }};
}
pub(crate) use with_projection;

impl ReadModel {
    pub const ALL: [ReadModel; 11] = [
        ReadModel::Products,
        ReadModel::Carts,
        ReadModel::Orders,
        ReadModel::Payments,
        ReadModel::Coupons,
        ReadModel::Notifications,
        ReadModel::Inventory,
        ReadModel::Reservations,
        ReadModel::Ledger,
        ReadModel::Deadlines,
        ReadModel::Audit,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ReadModel::Products => "products",
            ReadModel::Carts => "carts",
            ReadModel::Orders => "orders",
            ReadModel::Payments => "payments",
            ReadModel::Coupons => "coupons",
            ReadModel::Notifications => "notifications",
            ReadModel::Inventory => "inventory",
            ReadModel::Reservations => "reservations",
            ReadModel::Ledger => "ledger",
            ReadModel::Deadlines => "deadlines",
            ReadModel::Audit => "audit",
        }
    }

    /// The name of its projection's lease. Workers other than projections have leases too.
    pub fn lease(self) -> &'static str {
        match self {
            ReadModel::Products => "projection:products",
            ReadModel::Carts => "projection:carts",
            ReadModel::Orders => "projection:orders",
            ReadModel::Payments => "projection:payments",
            ReadModel::Coupons => "projection:coupons",
            ReadModel::Notifications => "projection:notifications",
            ReadModel::Inventory => "projection:inventory",
            ReadModel::Reservations => "projection:reservations",
            ReadModel::Ledger => "projection:ledger",
            ReadModel::Deadlines => "projection:deadlines",
            ReadModel::Audit => "projection:audit",
        }
    }
}

impl FromStr for ReadModel {
    type Err = UnknownReadModel;

    fn from_str(name: &str) -> Result<Self, UnknownReadModel> {
        let known = ReadModel::ALL.into_iter().find(|model| model.name() == name);
        known.ok_or_else(|| UnknownReadModel(name.to_owned()))
    }
}

impl fmt::Display for ReadModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no read model '{0}'")]
pub struct UnknownReadModel(pub String);
