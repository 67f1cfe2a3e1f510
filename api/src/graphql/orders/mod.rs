//! Orders: the type, the queries and the mutations.

mod mutations;
mod object;
mod parts;
mod queries;
mod returns;
mod shipping;
mod states;
mod stats;

pub use self::mutations::OrderMutation;
pub use self::object::Order;
pub use self::queries::{OrderQuery, load_order};
pub use self::returns::OrderReturnMutation;
pub use self::shipping::OrderShippingMutation;
pub use self::states::OrderStatus;
pub use self::stats::OrderStatsQuery;
