//! Orders.

mod mutations;
mod object;
mod queries;

pub use self::mutations::OrderMutation;
pub use self::object::{Order, OrderStatus};
pub use self::queries::{OrderQuery, order};
