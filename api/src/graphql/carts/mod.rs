//! Carts: the type, the queries and the mutations.

mod coupon;
mod estimate;
mod merge;
mod mutations;
mod object;
mod queries;

pub use self::coupon::CartCouponMutation;
pub use self::merge::CartMergeMutation;
pub use self::mutations::CartMutation;
pub use self::object::Cart;
pub use self::queries::{CartQuery, load_cart};
