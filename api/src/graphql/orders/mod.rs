//! Orders: the type, the queries and the mutations.

mod mutations;
mod object;
mod queries;
mod returns;
mod shipping;
mod stats;

pub use self::mutations::OrderMutation;
pub use self::object::{Order, OrderStatus};
pub use self::queries::{OrderQuery, load_order};
pub use self::returns::OrderReturnMutation;
pub use self::shipping::OrderShippingMutation;
pub use self::stats::OrderStatsQuery;
