//! The list of all read models: a new one is one line here.

use std::fmt;
use std::str::FromStr;

/// Declares [`ReadModel`] from one line for each: the variant, the name, and the projection that keeps it.
/// `$dollar` is a dollar sign, which the macro inside needs.
macro_rules! read_models {
    ($dollar:tt $($Model:ident, $name:literal, $Projection:path;)+) => {
        /// A read model. Each has a projection, which keeps it up to date.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReadModel { $($Model),+ }

        impl ReadModel {
            pub const ALL: [ReadModel; [$($name),+].len()] = [$(ReadModel::$Model),+];

            pub fn name(self) -> &'static str {
                match self { $(ReadModel::$Model => $name),+ }
            }

            /// The name of its projection's lease. Workers other than projections have leases too.
            pub fn lease(self) -> &'static str {
                match self { $(ReadModel::$Model => concat!("projection:", $name)),+ }
            }
        }

        /// Evaluates an expression in which the type alias `$P` is the projection of the given read model.
        macro_rules! with_projection {
            ($dollar model:expr, $dollar P:ident => $dollar body:expr) => {
                match $dollar model {
                    $($crate::model::ReadModel::$Model => {
                        type $dollar P = $Projection;
                        $dollar body
                    })+
                }
            };
        }
        pub(crate) use with_projection;
    };
}

read_models! { $
    Products, "products", crate::products::Products;
    Carts, "carts", crate::carts::Carts;
    Orders, "orders", crate::orders::Orders;
    Payments, "payments", crate::payments::Payments;
    Coupons, "coupons", crate::coupons::Coupons;
    Notifications, "notifications", crate::notifications::Notifications;
    Inventory, "inventory", crate::inventory::Items;
    Reservations, "reservations", crate::inventory::Reservations;
    Ledger, "ledger", crate::inventory::Ledger;
    Deadlines, "deadlines", crate::deadlines::Deadlines;
    Audit, "audit", crate::audit::Audit;
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
