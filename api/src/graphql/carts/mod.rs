//! Carts.

mod mutations;
mod object;
mod queries;

pub use self::mutations::CartMutation;
pub use self::object::Cart;
pub use self::queries::{CartQuery, cart};
