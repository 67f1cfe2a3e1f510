//! Payments: the type, the queries and the mutations.

mod mutations;
mod object;
mod queries;

pub use self::mutations::PaymentMutation;
pub use self::object::Payment;
pub use self::queries::{PaymentQuery, load_payment};
