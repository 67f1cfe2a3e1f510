//! Products: the type, the queries and the mutations.

mod mutations;
mod object;
mod queries;

pub use self::mutations::ProductMutation;
pub use self::object::Product;
pub use self::queries::ProductQuery;
