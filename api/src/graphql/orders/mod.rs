//! Orders.

mod mutations;
mod object;
mod queries;
mod returns;

pub use self::mutations::OrderMutation;
pub use self::object::{Order, OrderStatus};
pub use self::queries::{OrderQuery, order};
pub use self::returns::OrderReturnMutation;
