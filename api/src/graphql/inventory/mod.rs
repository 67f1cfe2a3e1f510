//! Stock: the type, the queries and the mutations.

mod mutations;
mod object;
mod queries;

pub use self::mutations::InventoryMutation;
pub use self::object::InventoryItem;
pub use self::queries::InventoryQuery;
